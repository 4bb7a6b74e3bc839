import type { Dependency, Pack } from "../src/pack/types.ts";
import { documentedValues, imagesOf, type OwnPack, ownPacks, variablesOf } from "../test/support/own-packs.ts";

const LAYERS: Readonly<Record<Pack["layer"], string>> = {
  kernel: "OS",
  os: "OS",
  k8s: "Kubernetes",
  cni: "Network",
  csi: "Storage",
  addon: "AddOn",
};

const INTRODUCTION = `These packs come with Strata, in the folder \`packs/\`. They are small, of our own making, and in Palette's layout, so that Palette takes
them too. Put them where a \`Registry\` finds them:

\`\`\`sh
strata pack index packs --output site       # site/ is a Registry of type Pack, once a web server serves it
strata pack push packs/hello-1.0.0 oci://registry.example.com/packs
\`\`\`

A layer names the pack, the presets that it wants, and what it wants otherwise:

\`\`\`yaml
layers:
  - name: hello
    pack: { registryRef: { name: public }, name: hello, version: 1.0.x, presets: ["Size:large"] }
    values: { manifests: { hello: { message: Good morning } } }
\`\`\``;

/** The text of docs/packs.md, made of what is in `packs/`. */
export async function packsPage(note: string): Promise<string> {
  const packs = await ownPacks();
  const head = ["# Packs", `<!-- ${note} -->`, INTRODUCTION];
  return `${[...head, overview(packs), ...packs.map(section)].join("\n\n")}\n`;
}

function overview(packs: readonly OwnPack[]): string {
  const rows = packs.map(({ pack }) => {
    const { name, version, layer, presets, dependencies } = pack;
    const values = `[${documentedValues(pack).length}](#${name})`;
    const cells = [
      `[${name}](#${name})`,
      version,
      LAYERS[layer],
      purposeOf(pack),
      values,
      presets.map(nameOf).join(", "),
      variablesOf(pack).map(variableText).join(", "),
      dependencies.map(dependencyText).join(", "),
    ];
    return `| ${cells.join(" | ")} |`.replaceAll(/ {2,}/g, " ");
  });
  const head = "| Pack | Version | Layer | What it is | Values | Presets | Variables | Other packs |";
  return [head, "|---|---|---|---|---|---|---|---|", ...rows].join("\n");
}

function section({ folder, pack, defaults }: OwnPack): string {
  const { name, displayName, presets } = pack;
  const values = documentedValues(pack).map(({ path, standard, meaning }) =>
    `| \`${path}\` | ${standard} | ${meaning} |`.replaceAll(/ {2,}/g, " "),
  );
  const images = imagesOf(defaults).map((image) => `\`${image}\``);
  const parts = [
    `## ${name}`,
    `${displayName} ([${folder}](../packs/${folder}/README.md)). ${purposeOf(pack)}`,
    `Images: ${images.join(", ") || "none"}.`,
    ["| Value | Default | Meaning |", "|---|---|---|", ...values].join("\n"),
    ...(presets.length > 0
      ? [presets.map((preset) => `- Preset ${nameOf(preset)}: ${preset.displayName}`).join("\n")]
      : []),
  ];
  return parts.join("\n\n");
}

/** The first paragraph of the README. */
function purposeOf({ readme = "" }: Pack): string {
  const [, purpose = ""] = /^# .*\n\n((?:.+\n)+)/.exec(readme) ?? [];
  return purpose.trim().replaceAll("\n", " ");
}

function nameOf({ group, name }: Pack["presets"][number]): string {
  return `\`${group === undefined ? name : `${group}:${name}`}\``;
}

function variableText({ name, isRequired }: { name: string; isRequired: boolean }): string {
  return `\`${name}\`${isRequired ? " (required)" : ""}`;
}

function dependencyText({ packName, minVersion, maxVersion, type }: Dependency): string {
  const bounds = [
    minVersion === undefined ? "" : ` ${minVersion} or later`,
    maxVersion === undefined ? "" : ` ${maxVersion} or earlier`,
  ].join("");
  return `${packName}${bounds} (${type})`;
}
