/** What `readyWhen` of a profile says of the clusters that it goes to, counted. */
export interface Availability {
  clusters: number;
  /** The clusters that are not Ready, by name. */
  late: readonly string[];
  /** As the profile has it: a number, or a percentage of all clusters. */
  maxUnavailable: number | string;
}

/** How many clusters may be late. A percentage is rounded down, as in a Deployment: more is demanded rather than less. */
export function mayBeLate({ clusters, maxUnavailable }: Availability): number {
  if (typeof maxUnavailable === "number") return maxUnavailable;
  return Math.floor((clusters * Number.parseInt(maxUnavailable, 10)) / 100);
}

/** Whether a profile is Ready on enough clusters; never without any. */
export function isEnough(availability: Availability): boolean {
  return availability.clusters > 0 && availability.late.length <= mayBeLate(availability);
}

const MAX_NAMES = 10;

/** How many clusters of how many are Ready, what is demanded, and which are not Ready; undefined where all have to be. */
export function availabilityWords(availability: Availability): string | undefined {
  const { clusters, late, maxUnavailable } = availability;
  if (Number.parseInt(`${maxUnavailable}`, 10) === 0 || late.length === 0) return undefined;
  const rule = `readyWhen.maxUnavailable: ${maxUnavailable}`;
  const demand = isEnough(availability)
    ? `as ${rule} allows`
    : `and ${rule} demands ${clusters - mayBeLate(availability)}`;
  return `${clusters - late.length} of ${clusters} clusters are Ready, ${demand}; not Ready: ${namesOf(late)}`;
}

function namesOf(late: readonly string[]): string {
  const more = late.length - MAX_NAMES;
  return more > 0 ? `${late.slice(0, MAX_NAMES).join(", ")} and ${more} more` : late.join(", ");
}
