/* Search from disk: browsers start no worker from file:, so one is played by a hidden frame, in which
 * the worker's script runs as it is. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", {data}));
      inside.importScripts = (...urls) => urls.reduce(
        (before, source) => before.then(() => run(source)), Promise.resolve());
      const run = source => new Promise(done => {
        const script = inside.document.createElement("script");
        script.onload = done;
        script.src = source;
        inside.document.body.append(script);
      });
      this.waiting = run(url);
      this.inside = inside;
    }

    postMessage(data) {
      this.waiting.then(() => this.inside.dispatchEvent(new this.inside.MessageEvent("message", {data})));
    }
  };
}
