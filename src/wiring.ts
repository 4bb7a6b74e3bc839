import { LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "./api/names.ts";
import type { Config } from "./config.ts";
import { Failure } from "./errors.ts";
import { isConflict } from "./kube/api-error.ts";
import { EventRecorder } from "./kube/hub/event-recorder.ts";
import { HubCache } from "./kube/hub/hub-cache.ts";
import { StatusWriter } from "./kube/hub/status-writer.ts";
import { ownAccess } from "./kube/own-access.ts";
import { WorkQueue } from "./kube/queue.ts";
import { ReferenceWatches } from "./kube/references.ts";
import { type LinkOptions, TargetLink } from "./kube/targets/target-link.ts";
import { Targets } from "./kube/targets/targets.ts";
import type { Logger } from "./ops/log.ts";
import type { Metrics } from "./ops/metrics.ts";
import { profileKeyOf, reconcileProfile } from "./reconcile/profile.ts";
import { reconcileTarget } from "./reconcile/target.ts";
import { Renderer } from "./render/renderer.ts";
import { checkedLookup } from "./source/http/checked-lookup.ts";
import { Sources } from "./source/sources.ts";
import { clusterAddressCheck } from "./text/addresses.ts";
import { DEFAULTS, DefaultRegistries } from "./wiring/default-registries.ts";
import { DeploymentWiring } from "./wiring/deployments.ts";
import { Hub } from "./wiring/hub.ts";
import { LayerRenderer } from "./wiring/layer-renderer.ts";
import { openLeadership } from "./wiring/leadership.ts";
import { ProfileWiring } from "./wiring/profiles.ts";
import { RegistryWiring } from "./wiring/registries.ts";
import { TargetWiring } from "./wiring/target-clusters.ts";

/** Watches tell of one change in many events: one pass sees them all. */
const FLURRY_MS = 20;
const MIB = 1024 * 1024;

export interface StrataOptions {
  config: Config;
  /** For the in-cluster connection. */
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  metrics: Metrics;
}

export interface Strata {
  /** Why it is not ready; undefined when it is. */
  ready(): string | undefined;
  /** Resolves with why, when another may lead: nothing can be written any more, and the process is to end at once. */
  readonly lost: Promise<string>;
  /** Lets running passes end for the grace period, writes what is pending, gives the lease back and closes every connection. */
  stop(): Promise<void>;
}

/**
 * Connects the rooms: the only place where edges meet. Resolves when the hub's objects are known. Work begins when this process
 * leads; until then it follows the hub's objects, connects to no target and writes nothing.
 */
export async function startStrata({ config, env, log, metrics }: StrataOptions): Promise<Strata> {
  const onError = (error: unknown): void => log.error("unexpected failure", { error });
  const access = await ownAccess({ kubeconfigPath: config.kubeconfig, env });
  const leadership = openLeadership({ elect: config.leaderElection, access, version: config.version, log, metrics });
  const { userAgent, fence } = leadership;
  let leads = false;
  const linkOptions = (name: string): LinkOptions => ({
    name,
    client: { userAgent, fence },
    onRequest: metrics.requestsTo(name),
    onBreak: (reason) => metrics.watchRestarted(name, reason),
    onChange: (applySets, key) => {
      for (const deployment of deployments.concerned(name, applySets, key))
        deploymentQueue.addAfter(deployment, FLURRY_MS);
    },
    onState: () => onLinkState(name),
    onError,
  });
  const local = new TargetLink(access, linkOptions(LOCAL_CLUSTER));
  const cache: HubCache = new HubCache({
    client: local.client,
    onError,
    onProfile: (key, change) => {
      const hasLetGo = profiles.noticeBrake(key);
      if (change === "spec") profileQueue.add(key);
      if (change !== "spec" && !hasLetGo) return;
      for (const deployment of profiles.deploymentsOf(key)) interrupt(deploymentKey(deployment));
      for (const waiting of deployments.noticeProfile(key)) deploymentQueue.add(waiting);
    },
    onTarget: (key, change) => {
      if (change === "status" || !leads) return;
      targetQueue.add(key);
      targets.refresh(key);
      if (!cache.targets.has(key)) metrics.forgetCluster(key);
      onLinkState(key);
      addAllProfiles();
    },
    onDeployment: (key, change) => {
      if (change === "spec") deploymentQueue.add(key);
      const deployment = cache.deployments.get(key);
      for (const waiting of deployments.noticeDeployment(key)) deploymentQueue.add(waiting);
      if (deployment) profileQueue.add(profileKeyOf(deployment));
      else addAllProfiles();
      const place = targetClusters.noticeDeployment(key);
      if (place !== undefined && change === "spec") targetQueue.add(place);
      if (place !== undefined && leads) targetClusters.reportWaiting(place);
    },
    onRegistry: (key, change) => {
      if (change !== "spec") return;
      registries.changed(key);
      if (key.startsWith(`${SYSTEM_NAMESPACE}/`)) registryQueue.add(DEFAULTS);
    },
    onNamespace: (name, change) => {
      if (change !== "spec") return;
      addAllProfiles("SystemProfile/");
      // One that is being deleted takes its profiles and clusters with it.
      for (const key of cache.profileKeys()) if (key.split("/")[1] === name) profileQueue.add(key);
      for (const [key, { spec }] of cache.deployments)
        if (key.startsWith(`${name}/`) || spec.clusterRef.namespace === name) deploymentQueue.add(key);
    },
    onUnreadable: ({ kind, metadata }, problems) =>
      log.warn("object cannot be read", { kind, namespace: metadata.namespace, name: metadata.name, problems }),
  });
  const clusterCheck = clusterAddressCheck(config.allowedNetworks);
  const targetClient = { userAgent, fence, lookup: checkedLookup(clusterCheck) };
  const targets: Targets = new Targets({
    hub: local.client,
    check: clusterCheck,
    linkOptions: (name) => ({ ...linkOptions(name), client: targetClient }),
    target: (name) => cache.targets.get(name),
    onState: (name) => onLinkState(name),
    onError,
  });
  const references = new ReferenceWatches({
    hub: local.client,
    onChange: (owners) => {
      registries.referencesChanged(owners);
      if (owners.has(DEFAULTS)) registryQueue.add(DEFAULTS);
      for (const owner of owners)
        for (const one of profiles.deploymentsOf(owner)) deploymentQueue.add(deploymentKey(one));
    },
    onError,
  });
  const statuses = new StatusWriter(local.client, onError);
  const events = new EventRecorder(local.client, onError);
  const hub = new Hub({ local, targets, cache, statuses, events, references, log, metrics });
  const { plainHttpRegistries: plainHttp, allowedNetworks } = config;
  const sources = new Sources({ plainHttp, allowedNetworks, cacheBytes: config.chartCacheMib * MIB });
  const renderer = new Renderer({
    binary: config.renderBinary,
    processes: config.renderProcesses,
    cacheBytes: config.renderCacheMib * MIB,
  });
  const targetClusters = new TargetWiring(hub);
  const profiles = new ProfileWiring(
    hub,
    againIn(() => profileQueue),
  );
  const defaults = new DefaultRegistries(hub);
  const registries: RegistryWiring = new RegistryWiring({
    hub,
    check: (access, signal) => sources.registries.check(access, signal),
    renewed: (key, how) => {
      for (const deployment of deployments.renewSources(key, how)) deploymentQueue.add(deployment);
    },
    again: againIn(() => registryQueue),
  });
  const deployments: DeploymentWiring = new DeploymentWiring(
    hub,
    { renderer: new LayerRenderer(sources, renderer, metrics.render), registries },
    {
      again: againIn(() => deploymentQueue),
      elsewhere: (key, work) => deploymentQueue.elsewhere(key, work),
    },
  );
  const running = new Map<string, AbortController>();
  const deploymentQueue: WorkQueue = new WorkQueue({
    groupOf: (key) => deployments.clusterOf(key),
    perGroup: config.concurrencyPerCluster,
    onError: (key, error) => log.error("pass failed", { deployment: key, cluster: deployments.clusterOf(key), error }),
    onEvent: metrics.queue("deployment"),
    work: onceKnown(
      (key, signal) => runDeployment(key, signal),
      () => deploymentQueue,
    ),
  });
  const profileQueue: WorkQueue = new WorkQueue({
    groupOf: () => LOCAL_CLUSTER,
    // Somebody wrote the profile just now: that is no failure, and the pass comes again.
    onError: (key, error) => isConflict(error) || log.error("pass failed", { profile: key, error }),
    onEvent: metrics.queue("profile"),
    work: onceKnown(
      (key, signal) => reconcileProfile(key, profiles, signal),
      () => profileQueue,
    ),
  });
  const targetQueue: WorkQueue = new WorkQueue({
    groupOf: () => LOCAL_CLUSTER,
    onError: (key, error) => isConflict(error) || log.error("pass failed", { target: key, error }),
    onEvent: metrics.queue("target"),
    work: onceKnown(
      (key, signal) => reconcileTarget(key, targetClusters, signal),
      () => targetQueue,
    ),
  });
  const registryQueue: WorkQueue = new WorkQueue({
    // One that does not answer holds nobody but itself.
    groupOf: (key) => key,
    onError: (key, error) => log.error("pass failed", { registry: key, error }),
    onEvent: metrics.queue("registry"),
    work: onceKnown(
      (key, signal) => (key === DEFAULTS ? defaults.reconcile(signal) : registries.reconcile(key, signal)),
      () => registryQueue,
    ),
  });

  /**
   * Before the whole hub is known nothing is judged: a profile or a cluster that was not read yet is not one that is gone. Nor
   * is anything done while another leads.
   */
  function onceKnown(work: (key: string, signal: AbortSignal) => Promise<void>, queue: () => WorkQueue): typeof work {
    return async (key, signal) => {
      if (leads && cache.isSynced) await work(key, signal);
      queue().forget(key);
    };
  }

  /** A pass over a spec that has changed is cut off between objects, and begins anew with the new one. */
  async function runDeployment(key: string, signal: AbortSignal): Promise<void> {
    const interruption = new AbortController();
    running.set(key, interruption);
    try {
      await deployments.reconciler.reconcile(key, AbortSignal.any([signal, interruption.signal]));
    } catch (error) {
      if (!interruption.signal.aborted) throw error;
    } finally {
      running.delete(key);
    }
  }

  function interrupt(key: string): void {
    running.get(key)?.abort(new Failure("StaleRead", "the profile has changed"));
    deploymentQueue.add(key);
  }

  function onLinkState(cluster: string): void {
    for (const key of cache.deployments.keys()) if (deployments.clusterOf(key) === cluster) deploymentQueue.add(key);
    for (const key of deployments.noticeCluster(cluster)) deploymentQueue.add(key);
    targetClusters.report(cluster);
  }

  function addAllProfiles(prefix = ""): void {
    for (const key of cache.profileKeys()) if (key.startsWith(prefix)) profileQueue.add(key);
  }

  function begin(): void {
    leads = true;
    for (const key of cache.targets.keys()) {
      deployments.noticeCluster(key);
      targets.refresh(key);
      targetQueue.add(key);
    }
    addAllProfiles();
    for (const key of cache.deployments.keys()) deploymentQueue.add(key);
    for (const key of cache.registries.keys()) registryQueue.add(key);
    defaults.watch();
  }

  await cache.start();
  log.info("hub is known", { profiles: cache.profileKeys().length, targets: cache.targets.size });
  // It rejects only when Strata is to end before it leads.
  void leadership.lead().then(begin, () => undefined);
  return {
    ready: () => (cache.isSynced ? undefined : "the hub's objects are not known yet"),
    lost: leadership.lost,
    stop: async () => {
      await Promise.all([
        deploymentQueue.shutdown(config.gracePeriodMs),
        profileQueue.shutdown(config.gracePeriodMs),
        targetQueue.shutdown(config.gracePeriodMs),
        // To ask a registry how it is is nothing that has to end well.
        registryQueue.shutdown(0),
      ]);
      await statuses.flush();
      cache.stop();
      events.stop();
      statuses.stop();
      references.close();
      await leadership.end();
      await Promise.all([
        targets.close(),
        local.close(),
        renderer[Symbol.asyncDispose](),
        sources[Symbol.asyncDispose](),
      ]);
    },
  };
}

function againIn(queue: () => WorkQueue): (key: string, afterMs: number) => void {
  return (key, afterMs) => {
    if (afterMs === 0) queue().add(key);
    else queue().addAfter(key, afterMs);
  };
}

function deploymentKey({ metadata }: { metadata: { namespace: string; name: string } }): string {
  return `${metadata.namespace}/${metadata.name}`;
}
