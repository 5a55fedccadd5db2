import { IANAZone } from 'luxon';
import { COUNTRY_ZONES } from './country-zones';
import { ianaZone } from './local-time';

/** Where a zone was taken from: the lead itself, its country's main zone, the tenant's setting, or nowhere. */
export type ZoneSource = 'lead' | 'country' | 'tenant' | 'utc';

/** A zone, and how it was found. */
export interface FoundZone {
  readonly zone: IANAZone;
  readonly source: ZoneSource;
}

/** What is known about where somebody is. */
export interface Whereabouts {
  /** IANA name; one that this machine does not know counts as none. */
  readonly timeZone?: string | null | undefined;
  /** ISO 3166-1 alpha-2, in any case. */
  readonly country?: string | null | undefined;
}

const UTC = IANAZone.create('UTC');

/**
 * The zone that a lead's local times belong to: its own, else the main one of its country, else the tenant's, else UTC. A country
 * of several zones is answered with the one in which most of its people live, so somebody in Los Angeles who is only known to be in
 * the United States is taken to be in New York.
 */
export function zoneOf(lead: Whereabouts, tenantZone?: string | null): FoundZone {
  const own = lead.timeZone ? ianaZone(lead.timeZone) : undefined;
  if (own) return { zone: own, source: 'lead' };
  const byCountry = lead.country ? zoneOfCountry(lead.country) : undefined;
  if (byCountry) return { zone: byCountry, source: 'country' };
  const tenants = tenantZone ? ianaZone(tenantZone) : undefined;
  return tenants ? { zone: tenants, source: 'tenant' } : { zone: UTC, source: 'utc' };
}

/** The main zone of a country (ISO 3166-1 alpha-2); undefined for what is none. */
export function zoneOfCountry(country: string): IANAZone | undefined {
  const code = country.toUpperCase();
  return Object.hasOwn(COUNTRY_ZONES, code) ? ianaZone(COUNTRY_ZONES[code] ?? '') : undefined;
}
