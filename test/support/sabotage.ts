import type { LocalHost } from "./local-host";

/** Puts Bash before the last line of a restore's step `swap`, for as long as `work` goes on. */
export async function sabotaged<T>(host: LocalHost, bash: string, work: () => Promise<T>): Promise<T> {
  const { open } = host;
  host.open = async (server, signal) => {
    const inner = await open(server, signal);
    const into = (text: string) => text.replace(/\nswap\s*$/, () => `\n${bash}\nswap`);
    return { ...inner, script: (text, variables) => inner.script(into(text), variables) };
  };
  try {
    return await work();
  } finally {
    host.open = open;
  }
}

/** Bash: the first time that the function is through, `then` happens. */
export const onceThrough = (name: string, then: string) => `
eval "sabotaged_$(declare -f ${name})"
${name}() {
  sabotaged_${name} "$@"
  if [ ! -e "$state/sabotaged" ]; then : >"$state/sabotaged"; ${then}; fi
}
rm -f "$state/sabotaged"`;

/** Bash: the step and all of its shells end as by \`kill -9\`; what runs in the server goes on. */
export const KILLED = 'kill -9 "$$" "$BASHPID"';
