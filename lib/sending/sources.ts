import type { Scope } from '../store';
import { CampaignWords } from './campaign-words';
import { compileContent } from './content';
import type { Choice, ContentShelf } from './shelf';
import { TemplateWords } from './template-words';
import type { CompiledContent, SendContent, SendOptions } from './types';

/** What each person's message is filled from. Asked once per group of people. */
export interface ContentSource {
  /** For these campaigns, as things stand now. */
  choose(campaigns: readonly number[]): Promise<(campaign: number) => Choice>;
  /**
   * For people whose variant has contents of its own, in the order of what is asked; undefined where it has none for this channel.
   * Only where the campaign has the words.
   */
  ofVariants?(asked: readonly VariantWords[]): Promise<readonly (Choice | undefined)[]>;
}

/** A variant's contents, by channel. */
export interface VariantWords {
  readonly variant: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** The source that a station's options name. @throws ContentError when the node's own content cannot be read */
export function openSource(options: SendOptions, scope: Scope, shelf: ContentShelf): ContentSource {
  const { content, account, language } = options;
  if (!('from' in content)) return new OwnWords(content, compileContent(content, language), shelf);
  const templates = new TemplateWords(scope, account.channel, shelf);
  if (content.from === 'campaign') return new CampaignWords(scope, account.channel, shelf, templates);
  const { key } = content;
  return {
    async choose() {
      const choices = await templates.choose([key]);
      return () => choices(key);
    },
  };
}

/** The words stand in the node: the same for everybody, for as long as the station lives. */
class OwnWords implements ContentSource {
  private kept: Promise<Choice> | undefined;

  constructor(
    private readonly content: SendContent,
    private readonly compiled: CompiledContent,
    private readonly shelf: ContentShelf,
  ) {}

  async choose(): Promise<() => Choice> {
    this.kept ??= this.keep().catch((error: unknown) => {
      // The next group asks again.
      this.kept = undefined;
      throw error;
    });
    const choice = await this.kept;
    return () => choice;
  }

  private async keep(): Promise<Choice> {
    const { content, compiled } = this;
    const [choice] = await this.shelf.put([{ content, compiled, where: 'The content of the send node' }]);
    // One draft, one choice.
    return choice as Choice;
  }
}
