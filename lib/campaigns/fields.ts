import { checkSendRules } from '../pacing';
import { checkAudience } from './audience-fields';
import { checkConversion } from './conversion-fields';
import { Problems, isRecord } from './problems';
import { CHANNEL } from './rows';
import { CAMPAIGN_TYPES, type CampaignFields, type NewCampaign } from './types';

/** The largest `data` and `content`, as JSON text. */
const LONGEST_DATA = 64 * 1024;
const LONGEST_CONTENT = 512 * 1024;
const LATEST = 8.64e15;
const MOST_CHANNELS = 20;

type Check = (value: unknown, path: string, problems: Problems) => void;

const text =
  (longest: number, { blank = false } = {}): Check =>
  (value, path, problems) => {
    if (typeof value !== 'string') problems.add(path, 'must be a text');
    else if (value.length > longest) problems.add(path, `has at most ${longest} characters`);
    else if (!blank && value.trim() === '') problems.add(path, 'must not be empty');
    else problems.storable(value, path);
  };

const oneOf =
  (values: readonly string[]): Check =>
  (value, path, problems) => {
    if (!values.includes(value as string)) problems.add(path, `is one of ${values.join(', ')}`);
  };

const moment: Check = (value, path, problems) => {
  if (!Number.isSafeInteger(value) || Math.abs(value as number) > LATEST) {
    problems.add(path, 'must be a moment in ms since 1970');
  }
};

const json =
  (longest: number): Check =>
  (value, path, problems) => {
    if (!isRecord(value)) problems.add(path, 'must be an object');
    else problems.json(value, path, longest);
  };

const CHECKS: Readonly<Record<keyof CampaignFields, Check>> = {
  name: text(255),
  description: text(10_000, { blank: true }),
  objective: text(500, { blank: true }),
  owner: text(128),
  team: text(128),
  segment: text(128),
  type: oneOf(CAMPAIGN_TYPES),
  onUnknown: oneOf(['hold', 'resend']),
  startsOn: moment,
  endsOn: moment,
  data: json(LONGEST_DATA),
  content: json(LONGEST_CONTENT),
  audience: checkAudience,
  conversion: checkConversion,
  sendRules(value, path, problems) {
    for (const problem of checkSendRules(value, path)) problems.add(problem.path, problem.message);
  },
  currency(value, path, problems) {
    if (typeof value !== 'string' || !/^[A-Z]{3}$/.test(value)) {
      problems.add(path, 'must be an ISO 4217 code of three capital letters, such as EUR');
    }
  },
  budget(value, path, problems) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      problems.add(path, 'must be a number that is not below 0');
    }
  },
  kpi(value, path, problems) {
    if (!isRecord(value)) return problems.add(path, 'must be an object with metric and target');
    problems.only(value, ['metric', 'target'], path);
    text(64)(value['metric'], `${path}/metric`, problems);
    if (typeof value['target'] !== 'number' || !Number.isFinite(value['target'])) {
      problems.add(`${path}/target`, 'must be a number');
    }
  },
  subject(value, path, problems) {
    if (!isRecord(value)) return problems.add(path, 'must be an object with type and id');
    problems.only(value, ['type', 'id'], path);
    text(128)(value['type'], `${path}/type`, problems);
    text(128)(value['id'], `${path}/id`, problems);
  },
  channels(value, path, problems) {
    if (!Array.isArray(value)) return problems.add(path, 'must be a list of channels');
    if (value.length > MOST_CHANNELS) problems.add(path, `names at most ${MOST_CHANNELS} channels`);
    value.forEach((channel: unknown, index) => {
      if (typeof channel !== 'string' || !CHANNEL.test(channel)) {
        problems.add(`${path}/${index}`, 'must be the name of a channel, such as email');
      }
    });
    if (new Set(value).size !== value.length) problems.add(path, 'names a channel twice');
  },
};

/** What cannot be taken away with `null`. */
const LASTING: ReadonlySet<string> = new Set(['name', 'type', 'data', 'onUnknown']);
/** What only a new campaign is given. */
const AT_BIRTH: ReadonlySet<string> = new Set(['key', 'definition']);

/**
 * Looks at every field that somebody gave.
 * @throws InputError `E_CAMPAIGN_FIELDS` with all problems and their paths
 */
export function checkFields(fields: CampaignFields | NewCampaign, { creating }: { creating: boolean }): void {
  const problems = new Problems();
  if (!isRecord(fields)) problems.add('', 'must be an object');
  else {
    for (const [name, value] of Object.entries(fields)) {
      if (value === undefined || (creating && AT_BIRTH.has(name))) continue;
      const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (!Object.hasOwn(CHECKS, name)) problems.add(path, 'is no field of a campaign that can be set');
      else if (value !== null) CHECKS[name as keyof CampaignFields](value, path, problems);
      else if (LASTING.has(name)) problems.add(path, 'cannot be removed');
    }
  }
  problems.refuse('E_CAMPAIGN_FIELDS', 'These fields of the campaign cannot be used');
}

/** Looks at what must fit together. @throws InputError `E_CAMPAIGN_FIELDS` */
export function checkTogether({ startsOn, endsOn }: { startsOn?: number | null; endsOn?: number | null }): void {
  if (typeof startsOn !== 'number' || typeof endsOn !== 'number' || startsOn <= endsOn) return;
  const problems = new Problems();
  problems.add('/endsOn', 'must not be before startsOn');
  problems.refuse('E_CAMPAIGN_FIELDS', 'These fields of the campaign cannot be used');
}
