/*
 * How a file is loaded before a Node program, by the variable NODE_OPTIONS: https://nodejs.org/api/cli.html#node_optionsoptions
 */

export const variable = 'NODE_OPTIONS';

/** `--require "/a folder/register.cjs"`: in quotes Node takes a backslash for an escape, also on Windows. */
export function requireOption(file: string): string {
  return `--require "${file.replace(/["\\]/g, '\\$&')}"`;
}

/** What a debug configuration of Node says that matters here; js-debug's `env` takes null for "not set". */
export interface NodeLaunch {
  readonly request?: string;
  readonly env?: Readonly<Record<string, string | null | undefined>>;
  readonly envFile?: unknown;
}

/**
 * The configuration with the file loaded before its program. Options that the program has already stay.
 *
 * Left as it is: one that attaches, as its program runs already; one that loads the file already; and one whose
 * variables are in a file of its own, as what is set here would hide what that file sets.
 *
 * @param inherited NODE_OPTIONS of the process that starts the program.
 */
export function withPreload<T extends NodeLaunch>(launch: T, file: string, inherited: string | undefined): T {
  const { request, env = {}, envFile } = launch;
  const own = Object.hasOwn(env, variable) ? env[variable] : inherited;
  const option = requireOption(file);
  const hidden = typeof envFile === 'string' && envFile !== '' && !Object.hasOwn(env, variable);
  if (request !== 'launch' || hidden || own?.includes(option)) return launch;
  return { ...launch, env: { ...env, [variable]: own ? `${own} ${option}` : option } };
}
