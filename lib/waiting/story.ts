import type { StoryLine, StorySource } from '../campaigns';
import { parseJson } from '../store';
import type { SeenEvent, WaitFor, WaitSpec } from './types';

interface Row {
  step: string;
  port: number | null;
  state: string;
  trail: string | null;
  outcome: string | null;
  updated_at: number;
  created_at: number | null;
  spec: string | null;
}

/** States of steps whose people have gone on. */
const GONE_ON: readonly string[] = ['released', 'branching', 'done'];

/** What somebody waits for, what has woken them, and where time ran out: for the story of an enrollment. */
export const waitStory: StorySource = async (scope, { enrollment }) => {
  const rows = await scope.all<Row>(
    `SELECT t.step, s.port, s.state, s.trail, s.outcome, s.updated_at, w.created_at, w.spec FROM marketing_steps s
     JOIN marketing_stations t ON t.id = s.station_id AND t.tenant_id = :tenant AND t.kind = 'delay'
     LEFT JOIN marketing_waits w ON w.step_id = s.id AND w.tenant_id = :tenant AND w.station_id = s.station_id
     WHERE s.tenant_id = :tenant AND s.enrollment_id = :enrollment ORDER BY s.id`,
    { enrollment },
  );
  return rows.flatMap(linesOf);
};

function linesOf(row: Row): StoryLine[] {
  const { step } = row;
  const line = (at: number, state: string, text: string, because?: string): StoryLine => ({
    ...{ at, step, kind: 'delay', state, text: `${step}: ${text}` },
    ...(because === undefined ? {} : { because }),
  });
  if (row.spec !== null && !GONE_ON.includes(row.state)) {
    const spec = parseJson<WaitSpec | undefined>(row.spec, undefined);
    return spec ? [line(row.created_at ?? row.updated_at, 'waits', `waits ${wordsOf(spec.for)}`)] : [];
  }
  const { event } = parseJson<{ event?: SeenEvent }>(row.outcome, {});
  if (event) return [line(event.at, 'happened', `${event.type} happened`, `event ${event.eventId}`)];
  const lacked = row.trail?.includes('"no date"') ?? false;
  return row.port === 1 && GONE_ON.includes(row.state) && !lacked
    ? [line(row.updated_at, 'timed out', 'time ran out')]
    : [];
}

function wordsOf(what: WaitFor): string {
  switch (what.kind) {
    case 'event': {
      const only = what.condition === undefined ? '' : `, if ${written(what.condition)}`;
      return `for ${what.event}${only}`;
    }
    case 'condition':
      return `until ${written(what.condition)}`;
    case 'segment':
      return `to be in the segment ${what.segment}`;
  }
}

function written(condition: unknown): string {
  return typeof condition === 'string' ? condition : JSON.stringify(condition);
}
