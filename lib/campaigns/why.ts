import { NotFoundError } from '../errors';
import { parseJson, type Scope } from '../store';
import type { Decision } from '../types';

/** One line of somebody's story in a campaign. */
export interface StoryLine {
  /** Ms since 1970. */
  readonly at: number;
  /** The node that decided, or the step; empty for what concerns the whole campaign. */
  readonly step: string;
  /** `segment`, `consent`, `split` …, a kind of station, `hold`, `campaign`, `end`. */
  readonly kind: string;
  readonly state: string;
  readonly text: string;
  /** The rule, in a few words. */
  readonly because?: string;
  /** The values that were looked at. */
  readonly saw?: Readonly<Record<string, unknown>>;
  /** Version of the flow at that moment. */
  readonly version?: number;
}

/** Why somebody stands where they stand: one enrollment, from the first decision to the last. */
export interface Why {
  readonly enrollment: number;
  readonly campaign: number;
  readonly lead: number;
  readonly definition: string;
  readonly run: number;
  /** What brought the lead in: `run:2`, `event:<id>` … */
  readonly cause: string;
  readonly state: string;
  readonly reason?: string;
  readonly enteredAt: number;
  readonly endedAt?: number;
  readonly lines: readonly StoryLine[];
}

/** An enrollment, as those who add lines to its story see it. */
export interface StoryOf {
  readonly enrollment: number;
  readonly campaign: number;
  readonly lead: number;
  readonly run: number;
  readonly from: number;
  readonly until: number;
}

/** Adds what another part of the product knows about an enrollment: an experiment's variant, a vote, an undo … */
export type StorySource = (scope: Scope, of: StoryOf) => Promise<readonly StoryLine[]>;

interface EnrollmentRow {
  id: number;
  campaign_id: number;
  lead_id: number;
  run: number;
  entry_key: string;
  state: string;
  reason: string | null;
  entered_at: number;
  ended_at: number | null;
  definition_key: string;
}

interface StepRow {
  id: number;
  step: string;
  kind: string;
  state: string;
  port: number | null;
  reason: string | null;
  trail: string | null;
  outcome: string | null;
  due_at: number;
  created_at: number;
  updated_at: number;
  message_state: string | null;
  message_reason: string | null;
}

/** The stories of the enrollments that `where` finds (over the alias `e`), the oldest first. */
export async function storiesWhere(
  scope: Scope,
  where: string,
  values: Readonly<Record<string, number>>,
  sources: readonly StorySource[],
): Promise<Why[]> {
  const enrollments = await scope.all<EnrollmentRow>(
    `SELECT e.id, e.campaign_id, e.lead_id, e.run, e.entry_key, e.state, e.reason, e.entered_at, e.ended_at, c.definition_key
     FROM marketing_enrollments e JOIN marketing_campaigns c ON c.id = e.campaign_id AND c.tenant_id = :tenant
     WHERE e.tenant_id = :tenant AND ${where} ORDER BY e.id LIMIT 100`,
    values,
  );
  const stories: Why[] = [];
  for (const enrollment of enrollments) stories.push(await tell(scope, enrollment, sources));
  return stories;
}

/** @throws NotFoundError `E_UNKNOWN_ENROLLMENT` */
export async function storyOfEnrollment(
  scope: Scope,
  enrollment: number,
  sources: readonly StorySource[],
): Promise<Why> {
  const [story] = await storiesWhere(scope, 'e.id = :enrollment', { enrollment }, sources);
  if (story) return story;
  throw new NotFoundError('E_UNKNOWN_ENROLLMENT', `There is no enrollment ${enrollment}.`);
}

async function tell(scope: Scope, row: EnrollmentRow, sources: readonly StorySource[]): Promise<Why> {
  const of: StoryOf = {
    enrollment: row.id,
    campaign: row.campaign_id,
    lead: row.lead_id,
    run: row.run,
    from: row.entered_at,
    until: row.ended_at ?? scope.clock.now(),
  };
  const steps = await readSteps(scope, row.id);
  const lines = [
    ...steps.flatMap(linesOfStep),
    ...(await campaignLines(scope, of)),
    ...(await Promise.all(sources.map((source) => source(scope, of)))).flat(),
    ...(row.state === 'ended' ? [endOf(row)] : []),
  ];
  // A stable sort: what happened in the same moment stays in the order in which it is known.
  lines.sort((a, b) => a.at - b.at || rank(a) - rank(b));
  const versionAt = await versionsOf(scope, row.definition_key);
  return {
    enrollment: row.id,
    campaign: row.campaign_id,
    lead: row.lead_id,
    definition: row.definition_key,
    run: row.run,
    cause: row.entry_key,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    enteredAt: row.entered_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    lines: lines.map((line) => {
      const version = versionAt(line.at);
      return version === undefined ? line : { ...line, version };
    }),
  };
}

/** The end comes last, whatever else happened in its moment. */
function rank({ kind }: StoryLine): number {
  return kind === 'end' ? 1 : 0;
}

async function readSteps(scope: Scope, enrollment: number): Promise<StepRow[]> {
  return scope.all<StepRow>(
    `SELECT s.id, t.step, t.kind, s.state, s.port, s.reason, s.trail, s.outcome, s.due_at, s.created_at, s.updated_at,
            m.state AS message_state, m.reason AS message_reason
     FROM marketing_steps s
     JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant
     LEFT JOIN marketing_messages m ON m.step_id = s.id AND m.tenant_id = :tenant
     WHERE s.tenant_id = :tenant AND s.enrollment_id = :enrollment ORDER BY s.id`,
    { enrollment },
  );
}

/** A new version is written when a deploy changes the flow: the one in force is the last that was there. */
async function versionsOf(scope: Scope, definition: string): Promise<(at: number) => number | undefined> {
  const rows = await scope.all<{ version: number; created_at: number }>(
    `SELECT version, created_at FROM marketing_definitions
     WHERE tenant_id = :tenant AND definition_key = :definition ORDER BY version DESC`,
    { definition },
  );
  return (at) => (rows.find(({ created_at }) => created_at <= at) ?? rows.at(-1))?.version;
}

/** What happened to the whole campaign while somebody was under way in it, as far as it holds or moves people. */
const CAMPAIGN_EVENTS: Readonly<Record<string, string>> = {
  'campaign.paused': 'paused',
  'campaign.resumed': 'resumed',
  'campaign.held': 'held',
  'campaign.released': 'goes on',
  'campaign.completed': 'completed',
  'campaign.cancelled': 'cancelled',
  'campaign.escalated': 'escalated',
};

async function campaignLines(scope: Scope, { campaign, from, until }: StoryOf): Promise<StoryLine[]> {
  const events = Object.keys(CAMPAIGN_EVENTS)
    .map((event) => `'${event}'`)
    .join(', ');
  const rows = await scope.all<{ event: string; actor: string; payload: unknown; at: number }>(
    `SELECT event, actor, payload, at FROM marketing_history
     WHERE tenant_id = :tenant AND campaign_id = :campaign AND at >= :from AND at <= :until AND event IN (${events})
     ORDER BY id LIMIT 200`,
    { campaign, from, until },
  );
  return rows.map(({ event, actor, payload, at }) => {
    const state = CAMPAIGN_EVENTS[event] ?? event;
    const { reason } = parseJson<{ reason?: unknown }>(payload, {});
    const because = typeof reason === 'string' ? reason : undefined;
    return {
      at,
      step: '',
      kind: 'campaign',
      state,
      text: `the campaign was ${state} by ${actor}${because === undefined ? '' : `: ${because}`}`,
      ...(because === undefined ? {} : { because }),
    };
  });
}

function endOf({ entered_at, ended_at, reason }: EnrollmentRow): StoryLine {
  const why = reason ?? 'completed';
  return { at: ended_at ?? entered_at, step: '', kind: 'end', state: 'ended', text: `ended: ${why}`, because: why };
}

function linesOfStep(step: StepRow): StoryLine[] {
  const decisions = parseJson<Decision[]>(step.trail, []);
  const before = decisions.filter(({ at }) => at === undefined);
  const since = decisions.filter(({ at }) => at !== undefined);
  const { trail: exits = [] } = parseJson<{ trail?: Decision[] }>(step.outcome, {});
  return [
    ...before.map((decision) => lineOfDecision(decision, step.created_at)),
    ...since.map((decision) => lineOfDecision(decision, decision.at ?? step.created_at)),
    {
      // Whoever still waits began to when they came; what is settled was settled when it last changed.
      at: isSettled(step) ? step.updated_at : step.created_at,
      step: step.step,
      kind: step.kind,
      state: step.message_state ?? step.state,
      text: textOf(step),
      ...(step.reason === null ? {} : { because: step.reason }),
    },
    ...exits.map((decision) => lineOfDecision(decision, step.updated_at)),
  ];
}

function isSettled({ kind, state, message_state }: StepRow): boolean {
  return kind !== 'trigger' && (message_state !== null || !['waiting', 'paused', 'working'].includes(state));
}

function lineOfDecision(decision: Decision, at: number): StoryLine {
  const { node, kind, outcome, because, saw } = decision;
  const seen = saw && Object.keys(saw).length > 0 ? saw : undefined;
  return {
    at,
    step: node,
    kind,
    state: outcome,
    text: `${node}: ${outcome}${because ? `: ${because}` : ''}${seen ? ` (saw ${JSON.stringify(seen)})` : ''}`,
    ...(because ? { because } : {}),
    ...(seen ? { saw: seen } : {}),
  };
}

function textOf(step: StepRow): string {
  const reason = step.reason ? ` (${step.reason})` : '';
  if (step.message_state) {
    const why = step.message_reason ? ` (${step.message_reason})` : reason;
    return `${step.step}: message ${step.message_state}${why}`;
  }
  switch (step.state) {
    case 'waiting':
    case 'paused':
      return `${step.step}: waits until ${new Date(step.due_at).toISOString()}${step.state === 'paused' ? ', the campaign is paused' : ''}${reason}`;
    case 'done':
      return step.kind === 'trigger' ? `${step.step}: entered` : `${step.step}: passed${reason}`;
    case 'failed':
      return `${step.step}: could not be served${reason}`;
    default:
      return `${step.step}: ${step.state}${reason}`;
  }
}
