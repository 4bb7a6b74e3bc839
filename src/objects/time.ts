/** A moment as Kubernetes writes it (`metav1.Time`): RFC 3339 in UTC, of whole seconds. `ms` are since the epoch. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
