import { checkExperiment, defaultsOf, type NewExperiment, type VariantInput } from '../../lib/experiments';
import { InputError } from '../../lib/errors';
import type { NodeKit } from '../kit/node';
import { slug, text } from '../kit/names';

/** Key of those who get no message. */
export const CONTROL = 'control';

/** What a split node says of each experiment that it makes. */
export interface Declared {
  /** The name of the experiment within its definition. */
  readonly experiment: string;
  readonly input: Omit<NewExperiment, 'key'>;
  /** Keys of the variants, in the order of the outputs. */
  readonly outputs: readonly string[];
}

/**
 * Reads a split node's configuration.
 * @throws InputError `E_EXPERIMENT`, `E_CONFIG`
 */
export function declaredBy({ config, saved, title }: NodeKit): Declared {
  const metric = config.choice('metric', ['open', 'click', 'conversion', 'revenue'], 'click');
  const usual = defaultsOf(metric);
  const percent = (property: string, otherwise: number): number =>
    config.number(property, { min: 0, max: 1e9, otherwise: otherwise * 100 }) / 100;
  const variants = variantsOf(saved['variants']);
  const all = config.flag('control', false)
    ? [...variants, { key: CONTROL, name: 'No message', control: true, share: controlShare() }]
    : variants;
  const conversion = config.text('conversion');
  const input: Omit<NewExperiment, 'key'> = {
    name: title,
    metric,
    settings: {
      mode: config.choice('mode', ['test', 'bandit'], 'test'),
      rule: config.choice('rule', ['always_valid', 'planned_size'], 'always_valid'),
      threshold: thresholdOf(config.choice('threshold', ['90', '95', '99'], '95')),
      autoWinner: config.flag('autoWinner', true),
      minSample: config.number('minSample', { min: 100, whole: true, otherwise: usual.minSample }),
      // For money it is an amount, not a rate.
      baseline:
        metric === 'revenue'
          ? config.number('baseline', { min: 0, otherwise: usual.baseline })
          : percent('baseline', usual.baseline),
      lift: percent('lift', usual.lift),
      windowDays: config.number('windowDays', { min: 1, max: 30, whole: true, otherwise: usual.windowDays }),
      ...(conversion === '' ? {} : { conversion }),
    },
    variants: all,
  };
  const experiment = config.text('experiment') || slug(title) || 'split';
  checkExperiment(input, experiment);
  return { experiment, input, outputs: all.map(({ key }) => key) };

  function controlShare(): number {
    return config.number('controlShare', { min: 0, max: 100, otherwise: 10 });
  }
}

function thresholdOf(written: '90' | '95' | '99'): 90 | 95 | 99 {
  switch (written) {
    case '90':
      return 90;
    case '95':
      return 95;
    case '99':
      return 99;
  }
}

function variantsOf(saved: unknown): (VariantInput & { key: string })[] {
  if (!Array.isArray(saved))
    throw new InputError('E_CONFIG', 'The property "variants" of this node is no list: open it and name them.');
  return saved.map((one: unknown) => {
    const { key, name, share } = (typeof one === 'object' && one !== null ? one : {}) as Readonly<
      Record<string, unknown>
    >;
    const known = text(key) || text(name);
    return { key: known, name: text(name) || known, share: text(share) === '' ? Number.NaN : Number(text(share)) };
  });
}
