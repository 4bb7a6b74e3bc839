import { toYaml } from "../../objects/yaml.ts";
import { wrap } from "../table.ts";
import type { Imported } from "./convert.ts";

const WIDTH = 118;

/** The files of an import, by name: its profile with the findings as comments above it, and its Registries. */
export function printImport(
  { profile, registries, findings }: Imported,
  source: string,
): { profile: string; registries: string } {
  const { kind, metadata } = profile;
  const head = [
    `${kind} ${metadata.name}, imported from ${source}.`,
    ...section("To decide:", findings.decide),
    ...section("To know:", findings.notes),
  ];
  return {
    profile: `${head.map(comment).join("")}${toYaml(profile)}`,
    registries: registries.map((registry) => toYaml(registry)).join("---\n"),
  };
}

function section(title: string, sentences: readonly string[]): string[] {
  if (sentences.length === 0) return [];
  return [
    "",
    title,
    ...sentences.flatMap((sentence) =>
      wrap(sentence, WIDTH - 4).map((line, index) => `${index === 0 ? "- " : "  "}${line}`),
    ),
  ];
}

function comment(line: string): string {
  return line === "" ? "#\n" : `# ${line}\n`;
}
