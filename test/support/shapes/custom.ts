import { type Shape, yaml } from "./shape.ts";

/** CRDs with all that a schema may hold. */
export const DEFINITIONS: readonly Shape[] = [
  {
    name: "a CRD with every extension of schemas, enums and defaults",
    yaml: yaml`
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata:
        name: things.ROUTE.test
        annotations: {controller-gen.kubebuilder.io/version: v0.17.0}
      spec:
        group: ROUTE.test
        scope: Namespaced
        names: {kind: Thing, listKind: ThingList, plural: things, singular: thing, shortNames: [th], categories: [all]}
        versions:
        - name: v1
          served: true
          storage: true
          subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
          additionalPrinterColumns: [{name: Size, type: integer, jsonPath: .spec.size, priority: 1}]
          selectableFields: [{jsonPath: .spec.mode}]
          schema:
            openAPIV3Schema:
              type: object
              required: [spec]
              properties:
                spec:
                  type: object
                  x-kubernetes-validations: [{rule: "!has(self.size) || self.size > 0", message: size must be positive, fieldPath: .size, reason: FieldValueInvalid}]
                  properties:
                    size: {type: integer, format: int64, nullable: true}
                    replicas: {type: integer, minimum: 0, maximum: 10, exclusiveMaximum: true, default: 1}
                    mode: {type: string, enum: ["on", "off", ""], default: "on"}
                    ratio: {type: number, format: double}
                    port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                    free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                    embedded: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}
                    atomic: {type: object, x-kubernetes-map-type: atomic, additionalProperties: {type: string}}
                    set: {type: array, x-kubernetes-list-type: set, maxItems: 9, items: {type: string, maxLength: 10, pattern: '^[a-z\d]+$'}}
                    list: {type: array, items: {type: integer, format: int64}, default: []}
                    ports:
                      type: array
                      x-kubernetes-list-type: map
                      x-kubernetes-list-map-keys: [port, protocol]
                      items: {type: object, required: [port], properties: {port: {type: integer}, protocol: {type: string, default: TCP}, name: {type: string}}}
                    nested: {type: object, default: {a: {b: [1, {c: null}]}}, x-kubernetes-preserve-unknown-fields: true}
                    $ref: {type: string}
                    default: {type: boolean, default: false}
                    not: {not: {enum: [1]}, type: integer}
                status: {type: object, properties: {replicas: {type: integer}}}
    `,
  },
  {
    name: "a CRD of two versions, without conversion",
    yaml: yaml`
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: clusterthings.ROUTE.test}
      spec:
        group: ROUTE.test
        scope: Cluster
        preserveUnknownFields: false
        conversion: {strategy: None}
        names: {kind: ClusterThing, plural: clusterthings}
        versions:
        - {name: v1alpha1, served: true, storage: false, deprecated: true, deprecationWarning: use v1, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
        - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
    `,
  },
];

/** Their objects. */
export const CUSTOM: readonly Shape[] = [
  {
    name: "integers beyond 2^53, and numbers of all forms",
    yaml: yaml`
      apiVersion: ROUTE.test/v1
      kind: Thing
      metadata: {name: numbers}
      spec:
        size: 9223372036854775807
        ratio: 1e3
        list: [-9223372036854775808, 9007199254740993, 0x7fffffffffffffff, 0644, 0b101, 1_000]
        free: {huge: 18446744073709551615, float: 1.10, small: 1e-7, zero: 0.0, minus: -0.5, exp: 1E+2, big: 1e21, tenth: .1}
    `,
  },
  {
    name: "a port that is a number, and one that is text",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: int}\nspec: {port: 80}\n---\napiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: string}\nspec: {port: '80'}\n",
    asObject: false,
  },
  {
    name: "a list that is keyed by two fields, one of them a default",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: keyed}\nspec: {ports: [{port: 53, protocol: UDP, name: a}, {port: 53, protocol: TCP}, {port: 80}], set: [b, a]}\n",
  },
  {
    name: "free fields of all kinds",
    yaml: yaml`
      apiVersion: ROUTE.test/v1
      kind: Thing
      metadata: {name: free}
      spec:
        mode: ""
        default: yes
        $ref: "#/a"
        atomic: {a: "1", "b.c/d": ""}
        free:
          from: [{to: null}]
          continue: "x"
          __proto__: {a: 1}
          constructor: {prototype: 2}
          "": empty
          a b: [[], [[]], {}, [{}], ~, "", 0, false]
          "1": one
          deep: {a: {b: {c: {d: {e: {f: {g: [{h: [1, [2, [3]]]}]}}}}}}}
    `,
  },
  {
    name: "an object in an object",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: embedded}\nspec: {embedded: {apiVersion: v1, kind: Secret, metadata: {name: x, namespace: z, creationTimestamp: null}, stringData: {a: b}}}\n",
  },
  {
    name: "null where the schema takes it, and where it has a default",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: nulls}\nspec: {size: null, replicas: null, list: ~}\n",
  },
  {
    name: "empty maps and lists",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: empty}\nspec: {free: {}, set: [], ports: [], atomic: {}, nested: {}}\n",
  },
  {
    name: "hardly anything",
    yaml: "apiVersion: ROUTE.test/v1\nkind: Thing\nmetadata: {name: minimal}\nspec: {}\n",
  },
  {
    name: "an object of the cluster, in its storage version",
    yaml: "apiVersion: ROUTE.test/v1\nkind: ClusterThing\nmetadata: {name: one}\nany: {thing: [1, two]}\nscalar: yes\n",
  },
  {
    name: "an object of the cluster, in its older version",
    yaml: "apiVersion: ROUTE.test/v1alpha1\nkind: ClusterThing\nmetadata: {name: older}\nspec: {a: 1}\n",
  },
];
