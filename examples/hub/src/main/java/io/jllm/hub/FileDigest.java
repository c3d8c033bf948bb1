package io.jllm.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * What the content of a file must come to.
 *
 * @param kind how it is computed
 * @param hex lower-case digits; what a server calls the file where nothing is computed
 */
record FileDigest(Kind kind, String hex) {
    private static final Pattern SAFE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,127}");

    /** How digests are computed. */
    enum Kind {
        /** SHA-256 of the bytes, as git-lfs has it. */
        SHA256("SHA-256", 64),
        /** SHA-1 of git's object: a head with the size, then the bytes. */
        GIT("SHA-1", 40),
        /** Not at all: only the size is known. */
        NONE("SHA-256", 0);

        private final String algorithm;
        private final int digits;

        Kind(String algorithm, int digits) {
            this.algorithm = algorithm;
            this.digits = digits;
        }
    }

    FileDigest {
        if (!SAFE.matcher(hex).matches() || kind != Kind.NONE && (hex.length() != kind.digits || !hex.matches("[0-9a-f]+"))) {
            throw new HubException("the server names a digest that is none: \"" + hex + "\"");
        }
    }

    /** Begins to compute that of a file of so many bytes. */
    MessageDigest begin(long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance(kind.algorithm);
            if (kind == Kind.GIT) {
                digest.update(("blob " + size + '\0').getBytes(StandardCharsets.US_ASCII));
            }
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JVM has both
        }
    }

    /** Whether what was computed is what is wanted. */
    boolean is(byte[] computed) {
        return kind == Kind.NONE || HexFormat.of().formatHex(computed).equals(hex);
    }
}
