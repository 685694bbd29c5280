import { Github } from "../../connect/github";

/** What a workflow's run knows of itself. */
export interface Run {
  github: Github;
  /** `owner/name` */
  repository: string;
  /** Page of the run. */
  url: string;
  commit: string;
}

/** From the variables that every step of a workflow has; `GITHUB_TOKEN` has to be handed to it. */
export function currentRun(env: NodeJS.ProcessEnv): Run {
  const need = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set: this runs in a step of a workflow`);
    return value;
  };
  const repository = need("GITHUB_REPOSITORY");
  return {
    github: new Github({ token: need("GITHUB_TOKEN"), baseUrl: env.GITHUB_API_URL }),
    repository,
    url: `${env.GITHUB_SERVER_URL ?? "https://github.com"}/${repository}/actions/runs/${need("GITHUB_RUN_ID")}`,
    commit: need("GITHUB_SHA"),
  };
}

interface Comment {
  id: number;
  body: string;
}

/** One comment of a pull request, found again by its marker: written once, then edited. */
export async function keepComment(
  run: Run,
  pullRequest: number,
  marker: string,
  body: string,
): Promise<void> {
  const { github, repository } = run;
  const path = `repos/${repository}/issues/${pullRequest}/comments`;
  for (let page = 1; ; page++) {
    const comments = await github.ask<Comment[]>("GET", `${path}?per_page=100&page=${page}`);
    const ours = comments.find((comment) => comment.body.startsWith(marker));
    if (ours) return github.ask("PATCH", `repos/${repository}/issues/comments/${ours.id}`, { body });
    if (comments.length < 100) break;
  }
  await github.ask("POST", path, { body });
}

interface Issue {
  number: number;
  title: string;
}

/** An open issue of that title and label, made if there is none; a failure after the first is a comment on it. */
export async function reportFailure(run: Run, title: string, label: string, body: string): Promise<void> {
  const { github, repository } = run;
  const path = `repos/${repository}/issues`;
  const query = `state=open&labels=${encodeURIComponent(label)}&per_page=100`;
  const open = await github.ask<Issue[]>("GET", `${path}?${query}`);
  const known = open.find((issue) => issue.title === title);
  if (known) await github.ask("POST", `${path}/${known.number}/comments`, { body });
  else await github.ask("POST", path, { title, body, labels: [label] });
}
