package io.jllm.server.http;

/**
 * A request, for a log.
 *
 * @param status 499 where no whole reply was sent
 * @param nanos how long it took
 * @param note what there is to say about it; may be empty
 */
record AccessLine(String client, String method, String path, int status, long nanos, String id, String note) {
    private static final int MOST = 500;

    /** On one line: what clients send cannot begin another. */
    @Override
    public String toString() {
        long tenths = Math.round(nanos / 1e5);
        String line = client + " " + method + " " + path + " " + status + " " + tenths / 10 + "." + tenths % 10 + "ms " + id
                + (note.isEmpty() ? "" : " " + note);
        return line.codePoints().limit(MOST).map(c -> Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }
}
