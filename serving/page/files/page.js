// The page: choose a user, see their feed, ask for more of it, write a post.

import { ask, become, feedPage, newKey, send } from "/page/api.js";
import { ago, cardOf, element } from "/page/cards.js";

const LEVELS = {
  redis: "your own ranked pool",
  previous_epoch: "the pool of the epoch before, public posts only",
  popular: "popular public posts, because you have no pool or Redis does not answer",
  chronological: "the newest public posts",
};
const [chooser, listed, typed, filter, level, told, composer, cannot, feed, more, text, privacy] = [
  "chooser", "listed", "typed", "filter", "level", "told", "composer", "cannot", "feed", "more", "text", "privacy",
].map((id) => document.getElementById(id));
let cursor = null;
let takesActions = false;
let turn = 0; // an answer that comes after another user was chosen is dropped
let postKey = newKey();

function tell(sentence) {
  told.textContent = sentence;
}

async function showMore() {
  const asked = turn;
  more.disabled = true;
  try {
    const page = await feedPage(filter.value, cursor);
    if (asked !== turn) return;
    const { epoch, served_from: from, staleness_s: age, generation_time_ms: took } = page.metadata;
    level.textContent = `epoch ${epoch} · served from ${from}: ${LEVELS[from] ?? from} · ranked ${ago(age)} · ${took} ms`;
    level.hidden = false;
    const before = feed.childElementCount;
    for (const post of page.posts) {
      feed.append(cardOf(post, feed.childElementCount + 1, page.metadata, takesActions, tell));
    }
    if (cursor !== null && feed.children[before]) feed.children[before].focus();
    cursor = page.next_cursor;
    more.hidden = !page.has_more;
    tell(page.has_more ? `${feed.childElementCount} posts shown, more follow.` : `${feed.childElementCount} posts, that is all.`);
  } catch (error) {
    if (asked === turn) tell(`${error.message}. Choose "Show feed" to start again.`);
  } finally {
    more.disabled = false;
  }
}

async function show() {
  turn += 1;
  cursor = null;
  feed.replaceChildren();
  level.hidden = more.hidden = true;
  const id = typed.value.trim() || listed.value;
  if (!/^-?[0-9]{1,19}$/.test(id)) return tell("Choose a user, or type an id.");
  become(id);
  takesActions = (await ask("/page/state")).takes_actions;
  composer.hidden = !takesActions;
  cannot.hidden = takesActions;
  return showMore();
}

chooser.addEventListener("submit", (event) => {
  event.preventDefault();
  show().catch((error) => tell(error.message));
});
listed.addEventListener("change", () => { typed.value = ""; });
more.addEventListener("click", showMore);
composer.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await send("", { text: text.value, privacy: privacy.value }, postKey);
    postKey = newKey();
    text.value = "";
    tell("Your post is kept. It is in feeds after the next night.");
  } catch (error) {
    tell(error.message);
  }
});
ask("/page/users").then((users) => {
  for (const user of users) {
    const option = element("option", user.id);
    option.value = user.id;
    listed.append(option);
  }
  tell(users.length ? "Choose a user." : "No user has a feed yet: type an id.");
}).catch((error) => tell(error.message));
