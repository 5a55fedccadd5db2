import type { Scope } from '../store';
import { newestTemplates, type NewestTemplate } from '../templates';
import { Recent } from './recent';
import type { Choice, ContentShelf, Draft, Refusal } from './shelf';

interface KnownTemplate {
  readonly id: number;
  readonly version: number;
  readonly choice: Choice;
}

/** Templates, each in its newest version: one small statement per group says whether there is a newer one. */
export class TemplateWords {
  private readonly known = new Recent<string, KnownTemplate>();

  constructor(
    private readonly scope: Scope,
    private readonly channel: string,
    private readonly shelf: ContentShelf,
  ) {}

  /** What messages are filled from, by the template's key. */
  async choose(keys: readonly string[]): Promise<(key: string) => Choice> {
    const before = new Map([...new Set(keys)].map((key) => [key, this.known.get(key)]));
    const newest = await newestTemplates(
      this.scope,
      Array.from(before, ([key, known]) => (known ? { key, known } : { key })),
    );
    const choices = new Map<string, Choice>();
    const fresh: { key: string; id: number; version: number; draft: Draft | Refusal }[] = [];
    for (const [key, { id, version, type, content }] of newest) {
      const known = before.get(key);
      if (content !== undefined) fresh.push({ key, id, version, draft: this.draft(key, { type, version, content }) });
      else if (known) choices.set(key, known.choice);
    }
    const put = await this.shelf.put(fresh.map(({ draft }) => draft));
    for (const [index, { key, id, version }] of fresh.entries()) {
      const choice = put[index] as Choice;
      choices.set(key, choice);
      this.known.set(key, { id, version, choice });
    }
    return (key) =>
      choices.get(key) ?? { refused: `${named(key)} does not exist. Create it or choose another, then retry.` };
  }

  private draft(key: string, { type, version, content }: Required<Omit<NewestTemplate, 'id'>>): Draft | Refusal {
    if (type === this.channel) return this.shelf.draft(content, named(key), { key, version });
    return {
      refused: `${named(key)} is for ${type}, and this account sends ${this.channel}. Choose another, then retry.`,
    };
  }
}

function named(key: string): string {
  return `The template "${key}"`;
}
