package io.jllm.json;

import io.jllm.ModelLoadException;
import io.jllm.quant.FormatException;
import io.jllm.quant.file.MappedFile;
import io.jllm.spi.OutOfMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads whole files of a model, of a sensible size; none that is a pipe or a device, which may never end. */
public final class SmallFiles {
    private SmallFiles() {
    }

    /**
     * All of a file.
     *
     * @param kind what such a file is called
     * @param most bytes it may have
     * @throws ModelLoadException if it cannot be read, is larger, or the heap has no room for it
     */
    public static byte[] bytes(Path file, String kind, long most) {
        try {
            MappedFile.check(file, kind);
            long size = Files.size(file);
            if (size > most) {
                throw new ModelLoadException(file + " has " + size + " bytes; a " + kind + " file has at most " + most);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw FileErrors.of(file, e);
        } catch (FormatException e) {
            throw new ModelLoadException(e.getMessage(), e);
        } catch (OutOfMemoryError e) {
            if (OutOfMemory.isHeap(e)) {
                throw FileErrors.of(file, e);
            }
            throw e;
        }
    }

    /** The same as text. */
    public static String text(Path file, String kind, long most) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(file, kind, most))).toString();
        } catch (CharacterCodingException e) {
            throw FileErrors.of(file, e);
        }
    }
}
