/** Longest expression, in characters; checked before anything looks at it. */
export const MAX_LENGTH = 2_000;
/** Most nodes of the syntax tree. */
export const MAX_NODES = 200;
/** Deepest nesting. A chain of the same operator (`a and b and c`) counts once. */
export const MAX_DEPTH = 32;
/** Most `??` and `?:` in one expression: JSONata's parser doubles its work at each nested one (20 of them: 5 s). */
export const MAX_DEFAULTS = 6;
/** Longest regular expression, in characters. */
export const MAX_PATTERN = 200;
/** Longest SQL text; what needs more is left to the closure. */
export const MAX_SQL = 32_000;
/** Longest name of an attribute, in characters. */
export const MAX_NAME = 64;
