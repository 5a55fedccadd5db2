import type { Migration } from '../migrate';
import { spine } from './001-spine';
import { campaignsAsData } from './002-campaigns-as-data';

/** All migrations, in order. Never edit one that has been released: add the next. */
export const migrations: readonly Migration[] = [spine, campaignsAsData];
