/** Milliseconds of the fastest of several runs: what else the machine does is not meant. */
export function fastest(work: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const begin = performance.now();
    work();
    return performance.now() - begin;
  });
  return Math.min(...times);
}
