import type { Migration } from '../migrate';
import { spine } from './001-spine';
import { campaignsAsData } from './002-campaigns-as-data';
import { sendRules } from './003-send-rules';
import { waiting } from './004-waiting';
import { triggers } from './005-triggers';
import { experiments } from './006-experiments';
import { approvals } from './007-approvals';
import { money } from './008-money';
import { compensation } from './009-compensation';
import { scoring } from './010-scoring';

/** All migrations, in order. Never edit one that has been released: add the next. */
export const migrations: readonly Migration[] = [
  spine,
  campaignsAsData,
  sendRules,
  waiting,
  triggers,
  experiments,
  approvals,
  money,
  compensation,
  scoring,
];
