// Share of a core over the last ten seconds: the clock of an audio thread counts whole milliseconds, so
// single reports say little and their means over a second are taken.
const SECONDS = 10;

const percent = (share) => `${(100 * share).toFixed(1)} %`;

export class Load {
    reports = [];
    seconds = [];

    /** A report for a tenth of a second. */
    add(share) {
        this.reports.push(share);
        if (this.reports.length < 10) return;
        this.seconds.push(this.reports.reduce((sum, x) => sum + x, 0) / 10);
        this.reports = [];
        if (this.seconds.length > SECONDS) this.seconds.shift();
    }

    words() {
        if (this.seconds.length === 0) return "…";
        const sorted = this.seconds.toSorted((a, b) => a - b);
        return `${percent(sorted[sorted.length >> 1])} of a core, worst second ${percent(sorted.at(-1))}`;
    }
}
