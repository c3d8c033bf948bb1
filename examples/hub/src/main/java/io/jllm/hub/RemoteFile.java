package io.jllm.hub;

import java.util.Arrays;

/**
 * A file of a repository.
 *
 * @param path as the repository names it, with slashes
 * @param size bytes
 * @param digest of its content
 */
record RemoteFile(String path, long size, FileDigest digest) {
    private static final int LONGEST = 512;

    /** Refuses what would leave the folder that it is put into. */
    RemoteFile {
        if (!isSafe(path)) {
            throw new HubException("the repository has a file with a name that is not safe: \"" + path + "\"");
        }
        if (size < 0) {
            throw new HubException("the repository says that " + path + " has " + size + " bytes");
        }
    }

    /** Whether a path of a repository stays inside the folder that it is put into, on every system. */
    static boolean isSafe(String path) {
        return !path.isEmpty() && path.length() <= LONGEST && path.chars().noneMatch(c -> c < ' ' || c == '\\' || c == ':' || c == 0x7f)
                && Arrays.stream(path.split("/", -1)).noneMatch(p -> p.isEmpty() || p.equals(".") || p.equals(".."));
    }

    /** The name without folders. */
    String name() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    boolean inRoot() {
        return path.indexOf('/') < 0;
    }
}
