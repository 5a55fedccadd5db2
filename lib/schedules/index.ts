/** Schedules: campaigns that start by themselves. The only file of this folder that others import. */
export { checkSchedule, LONGEST_GRACE_MS, readSchedule, SHORTEST_NOTICE_MS, type Problem } from './check';
export { lockStanding, type Standing } from './log';
export { lastRun, nextRun, runsBetween } from './runs';
export { ScheduleService } from './service';
export type { Also, RunOutcome, SchedulableCampaigns, ScheduleDeps, ScheduledRun } from './types';
export { describeSchedule } from './words';
