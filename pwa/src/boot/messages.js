/**
 * What the boot page says, in both languages at once: nobody has chosen one yet.
 */

const PROBLEMS = {
  insecure: [
    "此地址不安全，手机端无法离线工作。请使用 https 地址，或在本机用 http://localhost 打开。",
    "This address is not secure, so the app cannot work offline. Use an https address, or http://localhost on this machine.",
  ],
  unsupported: [
    "此浏览器不支持离线工作。请更新浏览器，或退出无痕模式后重试。",
    "This browser cannot work offline. Update it, or leave private browsing and try again.",
  ],
  stuck: [
    "应用没有启动成功。请关闭所有巡格页面后重新打开。",
    "The app did not start. Close all Xunge pages and open it again.",
  ],
  failed: [
    "应用没有下载完成。请检查网络后重新打开；本机已保存的记录不受影响。",
    "The app could not be downloaded. Check the network and open it again; records saved on this phone are safe.",
  ],
};

/** Shows that the app is being fetched, after a moment in which it is usually done. */
export function explain() {
  setTimeout(() => document.getElementById("starting")?.removeAttribute("hidden"), 400);
}

/** @param {keyof typeof PROBLEMS} kind */
export function showProblem(kind) {
  document.getElementById("starting")?.remove();
  const place = /** @type {HTMLElement} */ (document.getElementById("problem"));
  const [chinese, english] = PROBLEMS[kind];
  place.replaceChildren(paragraph(chinese, "zh-CN"), paragraph(english, "en"), again());
  place.hidden = false;
}

function paragraph(text, lang) {
  const made = document.createElement("p");
  Object.assign(made, { textContent: text, lang });
  return made;
}

function again() {
  const made = document.createElement("a");
  Object.assign(made, { textContent: "重试 / Try again", href: location.pathname, className: "button" });
  return made;
}
