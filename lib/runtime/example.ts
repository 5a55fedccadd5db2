import path from 'node:path';
import { openMarketing } from '..';
import type { Clock } from '../clock';
import { NotFoundError } from '../errors';
import { importCsv, type ImportProgress, type ImportReport } from '../leads';
import type { Segments } from '../segments';
import type { Log } from './log';
import { packageRoot } from './user-dir';

/** The flow of the demo, in `examples/`. */
export const EXAMPLE_FLOW = '01 - Welcome.json';
/** Its trigger's definition key. */
export const EXAMPLE_DEFINITION = 'welcome';
/** The saved segment that the flow asks for. */
export const EXAMPLE_SEGMENT = 'newcomers';
/** More than the example has. */
const EXAMPLE_PEOPLE = 5_000;
const EXAMPLE_CONDITION = 'lead.signup_date >= "2025-01-01" and lead.plan != "team"';

/** What to fill it with. */
export interface ExampleOptions {
  readonly databaseUrl: string;
  readonly tenant: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly file: string;
  readonly rejectsFile: string;
  /** Leaves a database alone that has leads already. */
  readonly onlyWhenEmpty?: boolean;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** The made-up leads that come with the package. */
export function demoLeadsFile(): string {
  return path.join(packageRoot(), 'examples', 'data', 'leads.csv');
}

/** Fills a database with what the example flow needs: leads with their attributes, and the segment. Undefined when it was filled before. */
export async function prepareExample(options: ExampleOptions): Promise<ImportReport | undefined> {
  const { databaseUrl, tenant, clock, log, file, rejectsFile, onProgress } = options;
  const marketing = await openMarketing({ database: { url: databaseUrl }, tenant, clock, logger: log, work: false });
  try {
    const filled = options.onlyWhenEmpty === true && (await marketing.leads.count()) > 0;
    const imported = filled
      ? undefined
      : await importCsv(file, {
          leads: marketing.leads,
          rejects: rejectsFile,
          declare: true,
          source: 'example',
          report: false,
          ...(onProgress ? { onProgress } : {}),
        });
    await ensureSegment(marketing.segments);
    // The made-up people may be mailed without asking anybody; a bigger audience, such as one of real people, may not.
    if (imported) {
      const limits = await marketing.campaigns.limits();
      await marketing.campaigns.setLimits({ ...limits, approvalAbove: EXAMPLE_PEOPLE }, { actor: 'system:example' });
    }
    return imported;
  } finally {
    await marketing.close();
  }
}

async function ensureSegment(segments: Segments): Promise<void> {
  try {
    await segments.get(EXAMPLE_SEGMENT);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    await segments.create({ key: EXAMPLE_SEGMENT, name: 'Newcomers', kind: 'dynamic', condition: EXAMPLE_CONDITION });
  }
  await segments.recalculate(EXAMPLE_SEGMENT);
}
