import type { ChannelParts } from '../content';
import type { Scope } from '../store';
import { campaignContents } from './campaign-contents';
import { Recent } from './recent';
import type { Choice, ContentShelf, Draft, Refusal } from './shelf';
import type { ContentSource, VariantWords } from './sources';
import type { TemplateWords } from './template-words';

/** What a campaign says for the channel: a template's key, or words of its own. */
type Said = { readonly key: string } | { readonly choice: Choice };

interface KnownCampaign {
  readonly version: number;
  readonly said: Said;
}

/** Each person's campaign has the words. One statement per group says which campaigns have changed, and brings their words. */
export class CampaignWords implements ContentSource {
  private readonly known = new Recent<number, KnownCampaign>();

  constructor(
    private readonly scope: Scope,
    private readonly channel: string,
    private readonly shelf: ContentShelf,
    private readonly templates: TemplateWords,
  ) {}

  async choose(campaigns: readonly number[]): Promise<(campaign: number) => Choice> {
    const said = await this.whatTheySay(campaigns);
    const keys = [...said.values()].flatMap((one) => ('key' in one ? [one.key] : []));
    const templates = keys.length > 0 ? await this.templates.choose(keys) : undefined;
    return (campaign) => {
      const one = said.get(campaign);
      if (one && 'choice' in one) return one.choice;
      return (one && templates?.(one.key)) ?? { refused: 'The campaign is gone.' };
    };
  }

  async ofVariants(asked: readonly VariantWords[]): Promise<(Choice | undefined)[]> {
    const said = asked.map(({ variant, content }) => {
      const written = content[this.channel];
      return written === undefined ? undefined : this.read(`variant "${variant}"`, written);
    });
    const keys = said.flatMap((one) => (one && 'key' in one ? [one.key] : []));
    const templates = keys.length > 0 ? await this.templates.choose(keys) : undefined;
    const drafts = said.flatMap((one) => (one && !('key' in one) ? [one] : []));
    const put = await this.shelf.put(drafts);
    return said.map((one) => {
      if (one === undefined) return undefined;
      return 'key' in one ? templates?.(one.key) : put[drafts.indexOf(one)];
    });
  }

  private async whatTheySay(campaigns: readonly number[]): Promise<Map<number, Said>> {
    const before = new Map(campaigns.map((id) => [id, this.known.get(id)]));
    const rows = await campaignContents(
      this.scope,
      Array.from(before, ([id, known]) => ({ id, known: known?.version })),
    );
    const said = new Map<number, Said>();
    const fresh: { id: number; version: number; draft: Draft | Refusal }[] = [];
    const remember = (id: number, version: number, one: Said): void => {
      said.set(id, one);
      this.known.set(id, { version, said: one });
    };
    for (const { id, key, version, content } of rows) {
      const known = before.get(id);
      if (content === 'unchanged') {
        if (known) said.set(id, known.said);
        continue;
      }
      const read = this.read(`campaign "${key}"`, content[this.channel]);
      if ('key' in read) remember(id, version, read);
      else fresh.push({ id, version, draft: read });
    }
    const put = await this.shelf.put(fresh.map(({ draft }) => draft));
    for (const [index, { id, version }] of fresh.entries()) remember(id, version, { choice: put[index] as Choice });
    return said;
  }

  private read(whose: string, written: unknown): Draft | Refusal | { key: string } {
    if (typeof written !== 'object' || written === null || Array.isArray(written)) {
      return { refused: `The ${whose} has no content for ${this.channel}. Write it, then retry.` };
    }
    const { template } = written as { template?: unknown };
    if (typeof template === 'string' && template !== '') return { key: template };
    return this.shelf.draft(written as ChannelParts, `The content of the ${whose} for ${this.channel}`);
  }
}
