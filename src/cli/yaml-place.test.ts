import { expect, test } from "vitest";
import { placeOf } from "./yaml-place.ts";

const TEXT = `apiVersion: apps/v1
metadata:
  name: web
  labels:
    app: web
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: sidecar
          image: b:1
        - name: app
          image: a:1
          ports:
            - containerPort: 80
              protocol: TCP
          env:
            - name: COLOUR
              value: blue
      volumes:
        - emptyDir: {}
data:
  text: |
    free: text
    - of: many
`;

test.each([
  ["apiVersion: apps/v1", ""],
  ["  name: web", "metadata"],
  ["    app: web", "metadata.labels"],
  ["  replicas: 2", "spec"],
  ["          image: b:1", "spec.template.spec.containers[sidecar]"],
  ["        - name: app", "spec.template.spec.containers[app]"],
  ["          image: a:1", "spec.template.spec.containers[app]"],
  ["            - containerPort: 80", "spec.template.spec.containers[app].ports"],
  ["              protocol: TCP", "spec.template.spec.containers[app].ports"],
  ["              value: blue", "spec.template.spec.containers[app].env[COLOUR]"],
  ["        - emptyDir: {}", "spec.template.spec.volumes"],
  ["    free: text", "data.text"],
])("%j stands in %j", (line, place) => {
  const lines = TEXT.split("\n");
  expect(placeOf(lines, lines.indexOf(line))).toBe(place);
});

test("behind the last line, the line before it counts", () => {
  expect(placeOf(["spec:", "  replicas: 2"], 2)).toBe("spec");
});
