// Watches a page: nothing may be said in its console, nothing thrown, nothing asked of anybody else, and no dialog opened.

export class Watch {
  constructor(page, origin) {
    this.trouble = [];
    // What the server is meant to refuse, which browsers say in the console.
    this.refused = new Set();
    page.on("console", (message) => this.#said(message));
    page.on("pageerror", (error) => this.trouble.push(`thrown: ${error.message}`));
    page.on("dialog", async (dialog) => {
      this.trouble.push(`a dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin) this.trouble.push(`asked elsewhere: ${request.url()}`);
    });
    page.on("response", (response) => {
      const isExpected = response.status() < 400 || this.refused.has(response.url());
      if (!isExpected) this.trouble.push(`${response.status()} of ${response.url()}`);
    });
  }

  // From now on `url` may be refused.
  expectRefusal(url) {
    this.refused.add(url);
  }

  #said(message) {
    if (!["error", "warn", "warning", "assert"].includes(message.type())) return;
    const of = message.location()?.url ?? "";
    if (this.refused.has(of) && message.text().startsWith("Failed to load resource")) return;
    this.trouble.push(`console ${message.type()}: ${message.text()} (${of})`);
  }

  // Throws what there was.
  check(name) {
    if (this.trouble.length > 0) throw new Error(`${name}:\n  ${this.trouble.splice(0).join("\n  ")}`);
  }
}
