package io.jllm.examples.cli.options;

import io.jllm.examples.cli.output.BadInput;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Text files, taken as they are. */
public final class Texts {
    private Texts() {
    }

    /** The text of a file of UTF-8, every character of it; other bytes are bad input. */
    public static String read(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new BadInput(file + " is a folder, not a text file");
        }
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        CharBuffer chars = CharBuffer.allocate(bytes.remaining());
        CoderResult result = decoder.decode(bytes, chars, true);
        if (result.isError()) {
            throw new BadInput(file + " is not UTF-8 text: byte " + bytes.position() + " is 0x"
                    + Integer.toHexString(bytes.get(bytes.position()) & 0xff));
        }
        return chars.flip().toString();
    }

    /** The lines of a text, without their ends (LF or CR LF); what follows the last end counts if it is not empty. */
    public static List<String> lines(String text) {
        var lines = new ArrayList<String>();
        int from = 0;
        for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
            lines.add(text.substring(from, end > from && text.charAt(end - 1) == '\r' ? end - 1 : end));
            from = end + 1;
        }
        if (from < text.length()) {
            lines.add(text.substring(from));
        }
        return lines;
    }
}
