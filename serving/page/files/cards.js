// One post as a card. Every text of the network goes in as text, never as markup.

import { newKey, send } from "/page/api.js";

export function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

export function ago(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return "just now";
}

function isolated(text) {
  return element("bdi", text); // a name that turns the direction of letters turns no others
}

function statsText(stats) {
  if (stats === null) return ""; // nobody counts an older post
  return `${stats.likes} likes · ${stats.comments} comments · ${stats.shares} shares`;
}

function storyOf(post, rank, metadata) {
  const told = [
    ["why it is here", post.reason],
    ["score", post.ranking_score === null ? "none" : String(post.ranking_score)],
    ["place", `${rank} of this feed`],
    ["came from", `${post.source.type}: ${post.source.name}`],
    ["source id", post.source.id ?? "not known"],
    ["author id", post.author ? post.author.id : "not known"],
    ["post id", post.id],
    ["privacy", post.privacy],
    ["posted", post.created_at],
    ["sponsored", post.is_sponsored ? `yes, ad ${post.ad_id}` : "no"],
    ["arm", metadata.ab_test_group ?? "none"],
    ["ranked by", `${metadata.ranking_version}, level ${metadata.served_from}`],
  ];
  const story = element("details");
  const list = element("dl");
  for (const [name, value] of told) {
    const shown = element("dd");
    shown.append(isolated(value));
    list.append(element("dt", name), shown);
  }
  story.append(element("summary", "Story of this post"), list);
  return story;
}

function button(text, act) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", () => act(made));
  return made;
}

// What is done with an ad names it, so that its campaign is charged.
function adOf(post) {
  return post.is_sponsored ? { ad_id: post.ad_id } : null;
}

function actionsOf(post, card, stats, tell) {
  const row = element("div", "", "actions");
  const key = newKey();
  const fields = adOf(post);
  async function taken(made, path, done) {
    made.disabled = true;
    try {
      const answer = await send(`/${post.id}/${path}`, fields, `${path}-${key}`);
      if (answer.stats) stats.textContent = statsText(answer.stats);
      done();
    } catch (error) {
      made.disabled = false;
      tell(error.message);
    }
  }
  row.append(
    likeButton(post, fields, stats, tell),
    button("Hide", (made) =>
      taken(made, "hide", () => {
        const next = card.nextElementSibling ?? card.previousElementSibling;
        card.remove();
        if (next) next.focus();
        tell("Hidden: your next page leaves this post out. The next night learns from it.");
      })),
    commentForm(post, stats, tell),
  );
  return row;
}

function likeButton(post, fields, stats, tell) {
  let isLiked = Boolean(post.user_interaction?.liked);
  let key = newKey();
  const made = button("Like", async () => {
    made.disabled = true;
    try {
      const answer = await send(`/${post.id}/like`, isLiked ? null : fields, `like-${key}`, isLiked ? "DELETE" : "POST");
      if (answer.stats) stats.textContent = statsText(answer.stats);
      isLiked = !isLiked;
      key = newKey();
      made.setAttribute("aria-pressed", String(isLiked));
      tell(isLiked ? "Your like is kept. The next night counts it." : "Your like is taken back.");
    } catch (error) {
      tell(error.message);
    } finally {
      made.disabled = false;
    }
  });
  made.setAttribute("aria-pressed", String(isLiked));
  return made;
}

function commentForm(post, stats, tell) {
  const form = element("form");
  const text = element("input");
  text.setAttribute("aria-label", "Your comment");
  text.required = true;
  text.maxLength = 2000;
  let key = newKey();
  form.append(text, element("button", "Comment"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await send(`/${post.id}/comments`, { ...adOf(post), text: text.value }, key);
      if (answer.stats) stats.textContent = statsText(answer.stats);
      key = newKey();
      text.value = "";
      tell("Your comment is kept. The next night counts it.");
    } catch (error) {
      tell(error.message);
    }
  });
  return form;
}

export function cardOf(post, rank, metadata, takesActions, tell) {
  const card = element("article", "", "card");
  card.tabIndex = -1;
  card.dataset.post = post.id;
  const name = element("h2");
  name.append(isolated(post.author ? post.author.name : "author unknown"));
  const line = element("div", "", "soft");
  if (post.source.type !== "friend") line.append("in ", isolated(post.source.name), " · ");
  line.append(`${ago(Date.now() / 1000 - Date.parse(post.created_at) / 1000)} · ${post.content.type}`);
  const text = element("p", post.content.text, "text");
  text.dir = "auto";
  const stats = element("div", statsText(post.stats), "soft");
  const why = element("div", "", "soft");
  why.append(isolated(post.reason), post.ranking_score === null ? "" : ` (score ${post.ranking_score.toPrecision(3)})`);
  card.append(name, line, text);
  if (post.content.media_count > 0) card.append(element("div", `${post.content.media_count} pictures or videos`, "soft"));
  card.append(stats, why, storyOf(post, rank, metadata));
  if (takesActions) card.append(actionsOf(post, card, stats, tell));
  return card;
}
