import type { Command } from '../command';
import { campaign } from './campaign';
import { demo } from './demo';
import { doctor } from './doctor';
import { importLeads } from './import';
import { migrate } from './migrate';
import { segment } from './segment';
import { start } from './start';

/** All commands, in the order in which help lists them. */
export const commands: readonly Command[] = [start, demo, migrate, importLeads, segment, campaign, doctor];
