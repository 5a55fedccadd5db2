/** Local times, zones and opening hours; pure. The only file of this folder that others import. */
export { COUNTRY_ZONES } from './country-zones';
export { dateOf, nextInstant, nextLocalTime, nextOnDays, timeOfDay, weekdayOf } from './local-days';
export { DAY_MS, dayExists, ianaZone, instantOf, localOf, midnightOf } from './local-time';
export { afterOpenTime, isOpen, nextOpen, openTime, openUntil } from './opening';
export {
  CALENDAR_FIELDS,
  checkCalendarRules,
  isTimeOfDay,
  MOST_HOLIDAYS,
  readCalendarRules,
  type CalendarProblem,
  type CalendarRules,
  type DayPart,
} from './rules';
export { zoneOf, zoneOfCountry, type FoundZone, type Whereabouts, type ZoneSource } from './zone-of';
