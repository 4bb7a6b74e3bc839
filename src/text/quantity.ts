const QUANTITY =
  /^([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,3})?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A Kubernetes quantity (`500m`, `1.5`, `128Mi`, `1e3`) in its base unit: cores, bytes. Undefined when it is none.
 * Large ones lose digits beyond a double's: made for comparing, not for writing back.
 */
export function parseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === "number") return Number.isFinite(quantity) ? quantity : undefined;
  const found = QUANTITY.exec(quantity.trim());
  if (found === null) return undefined;
  const [, digits = "", suffix = ""] = found;
  const value = Number(digits);
  const factor = suffix === "" ? 1 : (FACTORS[suffix] ?? 10 ** Number(suffix.slice(1)));
  return Number.isFinite(value * factor) ? value * factor : undefined;
}
