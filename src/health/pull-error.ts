import { fold } from "./text.ts";

/** What kubelet, CRI and the runtimes (containerd, CRI-O, Docker) put around a registry's own words. */
const WRAPPINGS = [
  /^Back-off pulling image "[^"]*"(: |\.?$)/,
  /^(ErrImagePull|ImagePullBackOff)(: |$)/,
  /^Failed to pull image "[^"]*": /,
  /^rpc error: code = \w+ desc = /,
  /^(failed|unable) to pull image or OCI artifact: pull image err: /,
  /^failed to pull and unpack image "[^"]*": /,
  /^failed to resolve (reference|image) "[^"]*": /,
  /^initializing source docker:\/\/\S+: /,
  /^Error response from daemon: /,
];

const DOCKER_NOT_FOUND = /^manifest for \S+ not found/;

/** Why an image cannot be pulled, in the registry's own words; only the image when there are none. */
export function pullError(message: string, image: string): string {
  let text = fold(message.slice(0, 4000));
  for (let found = true; found; ) {
    found = false;
    for (const wrapping of WRAPPINGS) {
      const match = wrapping.exec(text);
      if (match === null) continue;
      text = text.slice(match[0].length);
      found = true;
    }
  }
  const words = DOCKER_NOT_FOUND.exec(text)?.[0] ?? withoutEcho(text);
  if (words !== "") return words === "not found" ? `${image}: not found` : words;
  return image === "" ? "the image cannot be pulled" : `cannot pull ${image}`;
}

/** `manifest unknown: manifest unknown` says it once. */
function withoutEcho(text: string): string {
  const parts = text.split(": ");
  return parts.filter((part, index) => part !== parts[index - 1]).join(": ");
}
