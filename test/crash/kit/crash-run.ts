/**
 * The crash test: a real runtime sends a campaign and is killed with SIGKILL at seeded random moments, and started again,
 * until everybody is through. What came of it is counted at the mail server.
 */
import type { UnknownPolicy } from '../../../lib/types';
import type { RuntimeKind } from './children';
import { accounted, examine } from './examine';
import { Random } from './random';
import { addressOf, Rig } from './rig';
import { DEFINITION } from './words';

export interface CrashOptions {
  audience: number;
  kills: number;
  seed: number;
  policy: UnknownPolicy;
  /** Default `plain`. */
  kind?: RuntimeKind;
  /** Told about every kill. */
  say?(line: string): void;
}

/** What came of it: the figures that are printed. */
export interface CrashFigures {
  policy: UnknownPolicy;
  kills: number;
  audience: number;
  /** Different people whose message arrived. */
  sent: number;
  /** People whose message is in doubt and held. */
  unknown: number;
  /** People for whom nothing arrived and of whom the ledger shows no reason. */
  lost: number;
  /** Arrivals beyond the first for each person. */
  duplicates: number;
  /** Messages that one crash may leave in doubt at most. */
  inFlightBound: number;
  /** Longest time from the start of a process to the first further arrival. */
  resumeSecondsMax: number;
}

export interface CrashOutcome {
  figures: CrashFigures;
  /** What was promised and not kept; empty when all is well. */
  broken: string[];
}

/** Longest time a restart may take until mails arrive again. */
const RESUME_SECONDS = 60;

export async function crashRun({
  audience,
  kills,
  seed,
  policy,
  kind,
  say = () => undefined,
}: CrashOptions): Promise<CrashOutcome> {
  const random = new Random(seed);
  const rig = await Rig.open({
    audience,
    policy,
    delay: () => random.between(1, 6),
    ...(kind === undefined ? {} : { kind }),
  });
  const { arrivals, marketing } = rig;
  const broken: string[] = [];
  try {
    let landed = 0;
    let resumeMs = 0;
    let inFlightBound = 0;
    let child = rig.start();
    for (let kill = 0; kill < kills; kill++) {
      // Spread over the run, so that every kill finds people who have not got theirs yet.
      const moment = Math.max(
        arrivals.total() + 1,
        Math.floor((audience * (kill + random.between(0.1, 0.9))) / (kills + 1)),
      );
      const before = arrivals.total();
      await child.until(() => arrivals.total() > before, RESUME_SECONDS * 2_000);
      resumeMs = Math.max(resumeMs, performance.now() - child.startedAt);
      inFlightBound = Math.max(inFlightBound, child.inFlightBound ?? 0);
      await rig.arrived(moment, child);
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 20)));
      const during = !child.said('finished');
      await child.kill();
      await rig.quiet();
      if (during && arrivals.recipients().size < audience) landed++;
      say(
        `${policy}: kill ${kill + 1} of ${kills} after ${arrivals.total()} arrivals (${arrivals.duplicates()} twice)`,
      );
      child = rig.start();
    }
    const before = arrivals.total();
    await child.until(() => arrivals.total() > before, RESUME_SECONDS * 2_000);
    resumeMs = Math.max(resumeMs, performance.now() - child.startedAt);
    await child.finished(10 * 60_000);

    const received = arrivals.recipients();
    const reasons = await accounted(marketing);
    const missing = Array.from({ length: audience }, (_, index) => addressOf(index + 1)).filter(
      (address) =>
        !received.has(address) &&
        !reasons.unknown.has(address) &&
        !reasons.failed.has(address) &&
        !reasons.suppressed.has(address),
    );
    const figures: CrashFigures = {
      policy,
      kills: landed,
      audience,
      sent: received.size,
      unknown: reasons.unknown.size,
      lost: missing.length,
      duplicates: arrivals.duplicates(),
      inFlightBound,
      resumeSecondsMax: Math.round(resumeMs) / 1_000,
    };
    if (landed < kills) broken.push(`only ${landed} of ${kills} kills landed while mails were being sent`);
    if (missing.length > 0) broken.push(`${missing.length} people are lost: ${missing.slice(0, 5).join(', ')}`);
    if (policy === 'hold' && figures.duplicates > 0) broken.push(`${figures.duplicates} duplicates under "hold"`);
    if (figures.duplicates > kills * inFlightBound)
      broken.push(`${figures.duplicates} duplicates, more than ${kills} × ${inFlightBound}`);
    if (figures.unknown > kills * inFlightBound)
      broken.push(`${figures.unknown} in doubt, more than ${kills} × ${inFlightBound}`);
    if (figures.resumeSecondsMax > RESUME_SECONDS)
      broken.push(`it took ${figures.resumeSecondsMax} s until mails arrived again`);
    if (reasons.failed.size > 0) broken.push(`${reasons.failed.size} people failed, and nothing was wrong with them`);
    const strange = arrivals.unrecognisable();
    if (strange.length > 0) broken.push(`sent again under another Message-ID: ${strange.slice(0, 5).join(', ')}`);
    broken.push(...(await examine(marketing, audience)));
    broken.push(...(await decide(rig, child, figures.unknown)));
    await child.stop();
    return { figures, broken };
  } finally {
    await rig.close();
  }
}

/** Decides about the messages in doubt, half each way; the campaign must then complete by itself. */
async function decide(rig: Rig, child: ReturnType<Rig['start']>, unknown: number): Promise<string[]> {
  const { campaigns } = rig.marketing;
  const open = await campaigns.unknown(DEFINITION);
  if (open.length !== unknown) return [`${open.length} messages to decide about, ${unknown} people in doubt`];
  const half = open.slice(0, Math.ceil(open.length / 2)).map(({ step }) => step);
  if (open.length > 0) {
    const before = rig.arrivals.total();
    await campaigns.reconcile(DEFINITION, 'sent', { steps: half });
    await campaigns.reconcile(DEFINITION, 'resend');
    await rig.arrived(before + open.length - half.length, child);
  }
  for (let tries = 0; tries < 300; tries++) {
    if ((await campaigns.get(DEFINITION)).state === 'completed') return examine(rig.marketing, rig.options.audience);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return ['the campaign did not complete although nobody is under way'];
}
