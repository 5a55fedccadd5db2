import assert from 'node:assert/strict';
import { COUNTRY_ZONES, zoneOf, zoneOfCountry } from '../../lib/calendar';
import { normaliseCountry } from '../../lib/leads';

describe('The zone of a lead', () => {
  const found = (...given: Parameters<typeof zoneOf>): [string, string] => {
    const { zone, source } = zoneOf(...given);
    return [zone.name, source];
  };

  it('is its own, else its country’s, else the tenant’s, else UTC', () => {
    const tenant = 'Asia/Tokyo';
    assert.deepEqual(found({ timeZone: 'Asia/Kolkata', country: 'DE' }, tenant), ['Asia/Kolkata', 'lead']);
    assert.deepEqual(found({ timeZone: 'Mars/Olympus', country: 'de' }, tenant), ['Europe/Berlin', 'country']);
    assert.deepEqual(found({ country: 'XX' }, tenant), ['Asia/Tokyo', 'tenant']);
    assert.deepEqual(found({ timeZone: null, country: null }, null), ['UTC', 'utc']);
    assert.deepEqual(found({ timeZone: '+02:00' }, 'nonsense'), ['UTC', 'utc']);
    assert.deepEqual(found({ country: 'constructor' }), ['UTC', 'utc']);
  });

  it('is known for every country that a lead may have', () => {
    const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    const countries = letters
      .flatMap((a) => letters.map((b) => a + b))
      .filter((code) => normaliseCountry(code) === code);
    assert.equal(countries.length, 249);
    assert.deepEqual(
      countries.filter((code) => !zoneOfCountry(code)),
      [],
    );
    assert.deepEqual(Object.keys(COUNTRY_ZONES), countries);
  });

  it('is one that Intl knows for the country', () => {
    const name = (zone: string): string => new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
    for (const [country, zone] of Object.entries(COUNTRY_ZONES)) {
      const locale: Intl.Locale & { getTimeZones?: () => string[] } = new Intl.Locale(`und-${country}`);
      const zones = locale.getTimeZones?.();
      // Nobody lives on Bouvet and Heard Island.
      if (zones && country !== 'BV' && country !== 'HM') assert.ok(zones.map(name).includes(name(zone)), country);
    }
  });
});
