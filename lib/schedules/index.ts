/** Schedules and escalations: what happens to campaigns by themselves. The only file of this folder that others import. */
export { checkSchedule, LONGEST_GRACE_MS, readSchedule, SHORTEST_NOTICE_MS, type Problem } from './check';
export { Escalations, type EscalationDeps, type EscalationEntry } from './escalations';
export { delayOf, effectOf, type EscalationEffect } from './escalation-rules';
export { lastRun, nextRun, runsBetween } from './runs';
export { ScheduleService } from './service';
export type { Also, RunOutcome, SchedulableCampaigns, ScheduleDeps, ScheduledRun } from './types';
export { describeSchedule } from './words';
