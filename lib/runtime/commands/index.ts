import type { Command } from '../command';
import { approval } from './approval';
import { campaign } from './campaign';
import { compile } from './compile';
import { definition } from './definition';
import { delegation } from './delegation';
import { demo } from './demo';
import { doctor } from './doctor';
import { experiment } from './experiment';
import { importLeads } from './import';
import { metric } from './metric';
import { migrate } from './migrate';
import { score } from './score';
import { roi } from './roi';
import { segment } from './segment';
import { sendRules } from './send-rules';
import { start } from './start';
import { token } from './token';
import { undo } from './undo';
import { webhook } from './webhook';

/** All commands, in the order in which help lists them. */
export const commands: readonly Command[] = [
  start,
  demo,
  migrate,
  importLeads,
  segment,
  score,
  definition,
  compile,
  campaign,
  sendRules,
  experiment,
  roi,
  metric,
  undo,
  approval,
  delegation,
  token,
  webhook,
  doctor,
];
