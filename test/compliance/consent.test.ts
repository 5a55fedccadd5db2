import assert from 'node:assert/strict';
import { CONSENT_COUNTRIES, EU_EEA_UK, needsConsent } from '../../lib/compliance';

describe('consent by country (BR-011)', () => {
  it('is needed in the 27 EU states, Iceland, Liechtenstein, Norway and the United Kingdom', () => {
    assert.equal(EU_EEA_UK.size, 31);
    const all = 'AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO GB'.split(
      ' ',
    );
    for (const country of all) {
      assert.ok(EU_EEA_UK.has(country), country);
      assert.equal(needsConsent(country), true, country);
      assert.equal(needsConsent(` ${country.toLowerCase()} `, { unknownCountry: 'allow' }), true, country);
    }
  });

  it('is needed where EU law applies under another code', () => {
    for (const country of ['AX', 'RE', 'GP', 'MQ', 'GF', 'YT', 'MF', 'EL', 'UK']) {
      assert.equal(needsConsent(country), true, country);
      assert.ok(CONSENT_COUNTRIES.has(country));
      assert.ok(!EU_EEA_UK.has(country));
    }
  });

  it('is not needed elsewhere', () => {
    for (const country of ['US', 'CH', 'CA', 'TR', 'UA', 'JP', 'AD', 'RS', 'GL'])
      assert.equal(needsConsent(country), false, country);
  });

  it('is needed where nobody knows the country, unless told otherwise', () => {
    for (const country of [undefined, null, '', '  ', 'Germany', '1', 'D']) {
      assert.equal(needsConsent(country), true);
      assert.equal(needsConsent(country, { unknownCountry: 'require' }), true);
      assert.equal(needsConsent(country, { unknownCountry: 'allow' }), false);
    }
  });
});
