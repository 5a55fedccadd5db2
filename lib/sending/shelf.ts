import { contentHash, type ChannelParts, type DefaultSender } from '../content';
import { MarketingError, messageOf } from '../errors';
import type { Scope } from '../store';
import { compileContent, contentOfParts } from './content';
import { keepContents, loadContents, type ContentToKeep } from './kept';
import { Recent } from './recent';
import type { CompiledContent, SendContent } from './types';

/** A content that messages can be filled from. */
export interface Version {
  /** Its row of marketing_contents. */
  readonly id: number;
  readonly content: CompiledContent;
}

/** There is nothing to fill a message from. The sentence says what to do. */
export interface Refusal {
  readonly refused: string;
}

/** What a person's message is filled from, or why there is nothing. */
export type Choice = Version | Refusal;

/** Words that are to be compiled and kept. */
export interface Draft {
  readonly content: SendContent;
  /** The template version that they came from. */
  readonly template?: { readonly key: string; readonly version: number };
  /** What they are, at the beginning of a sentence. */
  readonly where: string;
  /** When they have been compiled already. */
  readonly compiled?: CompiledContent;
}

/** The contents of a station: each is compiled once, and kept in the database before anybody's message is filled from it. */
export class ContentShelf {
  private readonly byHash = new Recent<string, Version>();
  private readonly byId = new Recent<number, CompiledContent>();

  constructor(
    private readonly scope: Scope,
    private readonly options: {
      channel: string;
      sender: DefaultSender | undefined;
      language: 'en' | 'de';
    },
  ) {}

  /** The draft of what a template or a campaign has for the shelf's channel. */
  draft(parts: ChannelParts, where: string, template?: Draft['template']): Draft | Refusal {
    try {
      const content = contentOfParts(this.options.channel, parts, this.options.sender);
      return { content, where, ...(template === undefined ? {} : { template }) };
    } catch (error) {
      return unusable(where, error);
    }
  }

  /** Contents ready to be filled, in the order of the drafts; what cannot be compiled is refused. */
  async put(drafts: readonly (Draft | Refusal)[]): Promise<Choice[]> {
    const { language } = this.options;
    const choices = new Map<string, Choice>();
    const fresh = new Map<string, { content: CompiledContent; keep: ContentToKeep }>();
    const hashes = drafts.map((draft) => {
      if ('refused' in draft) return '';
      const { content, template, where, compiled } = draft;
      const keep = { content, language, ...(template === undefined ? {} : { template }) };
      const hash = contentHash(keep);
      if (choices.has(hash) || fresh.has(hash)) return hash;
      const known = this.byHash.get(hash);
      if (known) choices.set(hash, known);
      else {
        try {
          fresh.set(hash, { content: compiled ?? compileContent(content, language), keep: { ...keep, hash } });
        } catch (error) {
          choices.set(hash, unusable(where, error));
        }
      }
      return hash;
    });
    const toKeep = [...fresh.values()].map(({ keep }) => keep);
    const ids = toKeep.length > 0 ? await keepContents(this.scope, toKeep) : undefined;
    for (const [hash, { content }] of fresh) choices.set(hash, this.remember(hash, ids?.get(hash), content));
    return drafts.map((draft, index) => ('refused' in draft ? draft : (choices.get(hashes[index] ?? '') as Choice)));
  }

  /**
   * Contents that were kept for earlier tries, by id. One statement at most; what is gone is absent, and so is what was written
   * for another channel: the node has been given another account since.
   */
  async kept(ids: readonly number[]): Promise<Map<number, Choice>> {
    const found = new Map<number, Choice>();
    const asked: number[] = [];
    for (const id of new Set(ids)) {
      const content = this.byId.get(id);
      if (content) found.set(id, { id, content });
      else asked.push(id);
    }
    for (const [id, { content: words, language }] of await loadContents(this.scope, asked)) {
      if (words.channel !== this.options.channel) continue;
      try {
        const content = compileContent(words, language);
        found.set(id, { id, content });
        this.byId.set(id, content);
      } catch (error) {
        found.set(id, unusable('The content of the first try', error));
      }
    }
    return found;
  }

  private remember(hash: string, id: number | undefined, content: CompiledContent): Version {
    if (id === undefined)
      throw new MarketingError('E_CONTENT_NOT_KEPT', 'A content could not be kept; it is tried again.', {
        retryable: true,
      });
    const version = { id, content };
    this.byHash.set(hash, version);
    this.byId.set(id, content);
    return version;
  }
}

function unusable(where: string, error: unknown): Refusal {
  return { refused: `${where} cannot be used: ${messageOf(error)}` };
}
