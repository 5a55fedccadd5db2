import { authorise, nameOf, type Actor } from '../access';
import type { Page } from '../campaigns/types';
import { compileParts, contentHash, previewContext, type CompiledParts } from '../content';
import { ConflictError } from '../errors';
import { record } from '../history';
import { parseJson, type Scope } from '../store';
import { checkTemplate, compileUnsaved, keysFrom, type Checked } from './checks';
import { diffParts } from './diff';
import { listTemplates } from './list';
import { outdated, readTemplate, templateRow, type TemplateRow } from './rows';
import type {
  NewTemplate,
  PartDiff,
  Previewed,
  Template,
  TemplateChange,
  TemplateChangeOptions,
  TemplateOptions,
  TemplatePreview,
  TemplateQuery,
  TemplatesDeps,
  TemplateSummary,
  TemplateVersion,
} from './types';
import { templateUsers } from './users';
import { insertTemplate, insertVersion, searchedName } from './write';

/** The templates of one tenant: contents with a name and a past. A template is named by its key or its id. */
export class Templates {
  constructor(
    private readonly scope: Scope,
    private readonly deps: TemplatesDeps = { usedBy: templateUsers },
  ) {}

  /**
   * Saves a new template.
   * @throws InputError `E_TEMPLATE_INPUT` with `details.problems`; ConflictError `E_TEMPLATE_EXISTS`; ForbiddenError `E_FORBIDDEN`
   */
  async create(input: NewTemplate, { actor }: TemplateOptions = {}): Promise<Template> {
    authorise(actor, 'template:write');
    const checked = checkTemplate(input);
    return this.scope.transaction((tx) =>
      this.insert(tx, { ...checked, key: input.key, event: 'template.created', actor }),
    );
  }

  /** A page of templates, without their words. @throws InputError `E_LIMIT`, `E_PAGE`, `E_SORT`, `E_CURSOR` */
  async list(query: TemplateQuery = {}, { actor }: TemplateOptions = {}): Promise<Page<TemplateSummary>> {
    authorise(actor, 'template:read');
    return listTemplates(this.scope, query);
  }

  /** A template with the content of its newest version, or of another. @throws NotFoundError `E_UNKNOWN_TEMPLATE`, `E_UNKNOWN_TEMPLATE_VERSION` */
  async get(key: string | number, version?: number, { actor }: TemplateOptions = {}): Promise<Template> {
    authorise(actor, 'template:read');
    return readTemplate(this.scope, key, version);
  }

  /**
   * Changes a template. A changed content is kept as a new version; messages that were begun keep theirs.
   * @throws as {@link create}; NotFoundError `E_UNKNOWN_TEMPLATE`; ConflictError `E_CONFLICT` when it is at another version
   */
  async update(key: string | number, change: TemplateChange, options: TemplateChangeOptions = {}): Promise<Template> {
    authorise(options.actor, 'template:write');
    return this.change(key, options, 'template.updated', (before) =>
      Promise.resolve({ name: change.name ?? before.name, content: change.content ?? before.content }),
    );
  }

  /** Makes an earlier content the newest again, as a new version. @throws as {@link update}; NotFoundError `E_UNKNOWN_TEMPLATE_VERSION` */
  async restore(key: string | number, version: number, options: TemplateChangeOptions = {}): Promise<Template> {
    authorise(options.actor, 'template:write');
    return this.change(key, options, 'template.restored', async ({ id, name }, tx) => ({
      name,
      content: (await readTemplate(tx, id, version)).content,
    }));
  }

  /**
   * Deletes a template and its versions; what was sent of it is kept with the messages.
   * @throws NotFoundError `E_UNKNOWN_TEMPLATE`; ConflictError `E_TEMPLATE_IN_USE`, `E_CONFLICT`
   */
  async remove(key: string | number, options: TemplateChangeOptions = {}): Promise<void> {
    authorise(options.actor, 'template:write');
    await this.scope.transaction(async (tx) => {
      const row = await locked(tx, key, options.version);
      const usedBy = await this.deps.usedBy(tx, row.template_key);
      if (usedBy.length > 0) {
        throw new ConflictError(
          'E_TEMPLATE_IN_USE',
          `The template "${row.template_key}" is used by ${usedBy.slice(0, 5).join(', ')}: change those first.`,
          { details: { key: row.template_key, usedBy } },
        );
      }
      await tx.run('DELETE FROM marketing_template_versions WHERE tenant_id = :tenant AND template_id = :id', {
        id: row.id,
      });
      await tx.run('DELETE FROM marketing_templates WHERE tenant_id = :tenant AND id = :id', { id: row.id });
      await tell(tx, 'template.deleted', options.actor, { before: row });
    });
  }

  /** Saves a copy, "Copy of …", with a life of its own. @throws NotFoundError `E_UNKNOWN_TEMPLATE` and as {@link create} */
  async duplicate(
    key: string | number,
    { actor, ...given }: TemplateOptions & Pick<Partial<NewTemplate>, 'key' | 'name'> = {},
  ): Promise<Template> {
    authorise(actor, 'template:write');
    return this.scope.transaction(async (tx) => {
      const { type, content, name, key: origin } = await readTemplate(tx, key);
      const copy = { ...given, name: given.name ?? `Copy of ${name}`.slice(0, 255), type, content };
      return this.insert(tx, {
        ...checkTemplate(copy),
        key: copy.key,
        event: 'template.duplicated',
        actor,
        from: origin,
      });
    });
  }

  /** The versions in which the content changed, newest first; at most the last 1,000. @throws NotFoundError `E_UNKNOWN_TEMPLATE` */
  async versions(key: string | number, { actor }: TemplateOptions = {}): Promise<TemplateVersion[]> {
    authorise(actor, 'template:read');
    const { id } = await templateRow(this.scope, key);
    const rows = await this.scope.all<{
      version: number;
      hash: string;
      variables: unknown;
      created_by: string;
      created_at: number;
    }>(
      `SELECT version, hash, variables, created_by, created_at FROM marketing_template_versions
        WHERE tenant_id = :tenant AND template_id = :id ORDER BY version DESC LIMIT 1000`,
      { id },
    );
    return rows.map((row) => ({
      version: row.version,
      hash: row.hash,
      variables: parseJson<string[]>(row.variables, []),
      createdBy: row.created_by,
      createdAt: row.created_at,
    }));
  }

  /** The parts in which two versions differ, line by line. Throws as {@link get}. */
  async diff(key: string | number, a: number, b: number, { actor }: TemplateOptions = {}): Promise<PartDiff[]> {
    authorise(actor, 'template:read');
    const before = await readTemplate(this.scope, key, a);
    const after = await readTemplate(this.scope, before.id, b);
    return diffParts(before.content, after.content);
  }

  /**
   * Fills a template, or a content that is not saved yet, for a lead and a campaign; samples stand in for what is not given.
   * @throws NotFoundError as {@link get}; InputError `E_TEMPLATE_INPUT`; ContentError when it cannot be filled for this lead
   */
  async preview(
    of: Previewed,
    data: { lead?: object; campaign?: object } = {},
    { actor }: TemplateOptions = {},
  ): Promise<TemplatePreview> {
    authorise(actor, 'template:read');
    const compiled: CompiledParts = 'key' in of ? await this.compiled(of) : compileUnsaved(of.type, of.content);
    const filled = compiled.fill(previewContext({ ...data, now: this.scope.clock.now() }));
    return { type: compiled.channel, variables: compiled.variables, ...filled };
  }

  private async compiled({ key, version }: { key: string | number; version?: number }): Promise<CompiledParts> {
    const { type, content } = await readTemplate(this.scope, key, version);
    return compileParts(type, content);
  }

  private async insert(
    tx: Scope,
    input: Checked & { key: string | undefined; event: string; actor: Actor | undefined; from?: string },
  ): Promise<Template> {
    const row = await insertTemplate(tx, {
      ...input,
      keys: input.key === undefined ? keysFrom(input.name) : [input.key],
      by: nameOf(input.actor),
    });
    await tell(tx, input.event, input.actor, { after: row, ...(input.from === undefined ? {} : { from: input.from }) });
    return readTemplate(tx, row.id);
  }

  private async change(
    key: string | number,
    { actor, version }: TemplateChangeOptions,
    event: string,
    decide: (before: Template, tx: Scope) => Promise<{ name: string; content: unknown }>,
  ): Promise<Template> {
    return this.scope.transaction(async (tx) => {
      const row = await locked(tx, key, version);
      const before = await readTemplate(tx, row.id);
      const checked = checkTemplate({ ...(await decide(before, tx)), type: row.type });
      const rewritten = contentHash(checked.content) !== contentHash(before.content);
      if (!rewritten && checked.name === before.name) return before;
      const next = row.version + 1;
      const now = tx.clock.now();
      const contentVersion = rewritten ? next : row.content_version;
      if (rewritten) await insertVersion(tx, { ...checked, template: row.id, version: next, by: nameOf(actor) });
      await tx.run(
        `UPDATE marketing_templates SET name = :name, search_name = :searched, version = :next, content_version = :contentVersion, updated_at = :now
          WHERE tenant_id = :tenant AND id = :id`,
        { name: checked.name, searched: searchedName(checked.name), next, contentVersion, now, id: row.id },
      );
      const after = { ...row, name: checked.name, version: next, content_version: contentVersion };
      await tell(tx, event, actor, { before: row, after });
      return readTemplate(tx, row.id);
    });
  }
}

/** The templates of a scope's tenant. */
export function createTemplates(scope: Scope, deps?: TemplatesDeps): Templates {
  return new Templates(scope, deps);
}

async function locked(tx: Scope, key: string | number, version: number | undefined): Promise<TemplateRow> {
  const row = await templateRow(tx, key, { lock: true });
  if (version !== undefined && version !== row.version) throw outdated(row, version);
  return row;
}

async function tell(
  tx: Scope,
  event: string,
  actor: Actor | undefined,
  { before, after, from }: { before?: TemplateRow; after?: TemplateRow; from?: string },
): Promise<void> {
  const fact = (row: TemplateRow): object => ({
    name: row.name,
    version: row.version,
    contentVersion: row.content_version,
  });
  const { template_key: template, type } = (after ?? before) as TemplateRow;
  await record(tx, {
    event,
    actor: nameOf(actor),
    payload: { template, type, ...(from === undefined ? {} : { from }) },
    ...(before ? { before: fact(before) } : {}),
    ...(after ? { after: fact(after) } : {}),
  });
}
