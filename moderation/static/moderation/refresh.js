"use strict";
// Fetches the page again and puts its #live in place of this one's, while somebody looks at it.
// Nothing is replaced under a person's focus, or where they have opened a table.
{
  const live = document.getElementById("live");
  const isInUse = () =>
    live.contains(document.activeElement) || live.querySelector("details[open]") !== null;

  async function refresh() {
    if (document.hidden || isInUse()) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return; // signed out meanwhile: the next click says so
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live");
    if (fresh && !isInUse()) live.replaceChildren(...fresh.childNodes);
  }

  async function again() {
    try {
      await refresh();
    } catch {
      // Without an answer what stands here stays; the time below it tells how old it is.
    }
    setTimeout(again, Number(live.dataset.refreshS) * 1000);
  }

  if (live) setTimeout(again, Number(live.dataset.refreshS) * 1000);
}
