/** Templates: contents with a name, kept in versions. The only file of this folder that others import. */
export { newestTemplates, type NewestTemplate, type WantedTemplate } from './newest';
export { createTemplates, Templates } from './templates';
export type {
  DiffLine,
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
export { templateUsers } from './users';
