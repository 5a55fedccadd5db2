/** Our side of the bench `score`: the product opened as a store node opens it, with score rules and segments that ask for the score. */
import { answerParent } from '../lib/child';
import { product } from '../lib/product';

type Lib = typeof import('../../lib');
type Marketing = Awaited<ReturnType<Lib['openMarketing']>>;

/** What the process does. */
export interface ScoreHostQuestions {
  /** Opens the database; so many rules (one of them gives points for the bench's event) and so many segments by score. */
  open(options: { databaseUrl: string; rules: number; segments: readonly number[]; event: string }): Promise<void>;
  /** Records an event of each of these leads, one after the other; how long each took until score and segments were right, ms. */
  events(options: { leads: readonly number[]; event: string }): Promise<number[]>;
  /** Scores that are not the sum of base and points, and members that do not belong: both must be 0. */
  check(): Promise<{ wrongScores: number; moved: number; points: number }>;
  [question: string]: (argument: never) => unknown;
}

process.setSourceMapsEnabled(false);

let opened: Marketing | undefined;

answerParent<ScoreHostQuestions>(
  {
    async open({ databaseUrl, rules, segments, event }) {
      const marketing = await product<Lib>('lib/index').openMarketing({ database: { url: databaseUrl } });
      opened = marketing;
      await marketing.scoring.rules.create({
        key: 'bench',
        event,
        points: 10,
        condition: 'lead.age >= 0',
        cap: { points: 1_000_000, per: 'day' },
        decay: { expiresAfterDays: 30 },
      });
      for (let n = 1; n < rules; n++) {
        await marketing.scoring.rules.create({ key: `other-${n}`, event: `other_${n}`, points: n });
      }
      for (const score of segments) {
        const key = `from-${score}`;
        await marketing.segments.create({ key, kind: 'dynamic', condition: `lead.score >= ${score}` });
        await marketing.segments.recalculate(key);
      }
    },
    async events({ leads, event }) {
      const { leads: service } = marketing();
      const times: number[] = [];
      for (const leadId of leads) {
        const start = performance.now();
        await service.engage([{ leadId, type: event }]);
        times.push(performance.now() - start);
      }
      return times;
    },
    async check() {
      const { scope, segments } = marketing();
      const [row] = await scope.all<{ wrong: number }>(
        `SELECT COUNT(*) AS wrong FROM marketing_leads l WHERE l.tenant_id = :tenant AND l.score < COALESCE(
           (SELECT SUM(p.live) FROM marketing_score_points p WHERE p.tenant_id = :tenant AND p.lead_id = l.id), 0)`,
      );
      const [points] = await scope.all<{ n: number }>(
        'SELECT COUNT(*) AS n FROM marketing_score_points WHERE tenant_id = :tenant',
      );
      const results = await segments.recalculateAll();
      return {
        wrongScores: Number(row?.wrong ?? 0),
        moved: results.reduce((sum, { entered, left }) => sum + entered + left, 0),
        points: Number(points?.n ?? 0),
      };
    },
  },
  async () => {
    await opened?.close();
  },
);

function marketing(): Marketing {
  if (!opened) throw new Error('Nothing has been opened.');
  return opened;
}
