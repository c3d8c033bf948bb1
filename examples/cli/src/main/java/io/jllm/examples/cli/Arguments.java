package io.jllm.examples.cli;

import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The arguments of the program as they were typed: bytes of UTF-8, whatever the locale by which Java read them. */
final class Arguments {
    private static final Path OWN_COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final char REPLACEMENT = '\ufffd';
    private static final int LAST_ASCII = 0x7f;

    private Arguments() {
    }

    /**
     * Reads them again where Java may have read them wrong.
     *
     * @param args as Java has them
     * @throws BadInput if one of them is not UTF-8, or nobody can tell any more what it was
     */
    static String[] typed(String[] args) {
        if (Arrays.stream(args).flatMapToInt(String::chars).allMatch(c -> c <= LAST_ASCII)) {
            return args;
        }
        try {
            return typed(args, Files.readAllBytes(OWN_COMMAND_LINE));
        } catch (IOException _) { // this is no Linux
            return sound(args);
        }
    }

    /** The same from the command line of the process: each argument ends with a zero, and those of the program come last. */
    static String[] typed(String[] args, byte[] commandLine) {
        List<ByteBuffer> all = split(commandLine);
        if (all.size() < args.length) {
            return sound(args);
        }
        List<ByteBuffer> own = all.subList(all.size() - args.length, all.size());
        var typed = new String[args.length];
        for (int i = 0; i < typed.length; i++) {
            typed[i] = text(own.get(i), i + 1);
        }
        return typed;
    }

    private static List<ByteBuffer> split(byte[] commandLine) {
        var parts = new ArrayList<ByteBuffer>();
        int from = 0;
        for (int i = 0; i < commandLine.length; i++) {
            if (commandLine[i] == 0) {
                parts.add(ByteBuffer.wrap(commandLine, from, i - from).slice());
                from = i + 1;
            }
        }
        return parts;
    }

    private static String text(ByteBuffer bytes, int number) {
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder(); // reports what is malformed
        CharBuffer chars = CharBuffer.allocate(bytes.remaining());
        CoderResult result = decoder.decode(bytes, chars, true);
        if (result.isError()) {
            throw new BadInput("argument " + number + " is not UTF-8, as all text here has to be, whatever the locale: byte "
                    + bytes.position() + " is 0x" + Integer.toHexString(bytes.get(bytes.position()) & 0xff)
                    + " (iconv -t UTF-8 converts text; a file of such a name needs another name)");
        }
        return chars.flip().toString();
    }

    /** As Java has them, if nothing was lost. */
    private static String[] sound(String[] args) {
        for (int i = 0; i < args.length; i++) {
            if (args[i].indexOf(REPLACEMENT) >= 0) {
                throw new BadInput("argument " + (i + 1) + " is not UTF-8, or this locale cannot hold it: use a UTF-8 locale"
                        + " (export LC_ALL=C.UTF-8), and --prompt-file for a text with U+FFFD in it");
            }
        }
        return args;
    }
}
