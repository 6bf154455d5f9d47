/*
 * The variable that has a program open itself where it holds the library: a Go program that has the import, and a Node
 * program that imports the library for its policies alone.
 */

export const pickscopeVariable = 'PICKSCOPE';
export const switchedOn = '1';

/** What a debug configuration of Go says that matters here. */
export interface GoLaunch {
  readonly request?: string;
  readonly env?: Readonly<Record<string, unknown>> | null;
  readonly envFile?: string | readonly string[] | null;
}

/**
 * The configuration with the variable set for its program. What a person has set stays, wherever that is: in the
 * configuration, in the environment, or in a file of variables, which what is set here would hide. The Go extension reads
 * such files into `env` before this is asked; one that is still named was read by nobody.
 *
 * @param inherited PICKSCOPE of the process that starts the program.
 */
export function withPickscope<T extends GoLaunch>(launch: T, inherited: string | undefined): T {
  const { request, envFile } = launch;
  const env = launch.env ?? {};
  const isSet = inherited !== undefined || Object.hasOwn(env, pickscopeVariable);
  const mayBeSet = (envFile?.length ?? 0) > 0;
  if (request !== 'launch' || isSet || mayBeSet) return launch;
  return { ...launch, env: { ...env, [pickscopeVariable]: switchedOn } };
}
