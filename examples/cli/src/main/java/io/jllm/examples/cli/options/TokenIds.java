package io.jllm.examples.cli.options;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Token ids as they are typed: {@code 0,12,99}. */
public record TokenIds(int[] ids) {
    /** Reads them; blanks around commas do no harm. */
    static TokenIds parse(String text) {
        String[] parts = text.split(",", -1);
        int[] ids = new int[parts.length];
        for (int i = 0; i < ids.length; i++) {
            String part = parts[i].strip();
            try {
                ids[i] = Integer.parseInt(part);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("'" + part + "' is no token id; write ids as 0,12,99");
            }
            if (ids[i] < 0) {
                throw new TypeConversionException("token ids are not negative, but one is " + part);
            }
        }
        return new TokenIds(ids);
    }

    /** Tells picocli how they are read. */
    public static final class Converter implements ITypeConverter<TokenIds> {
        @Override
        public TokenIds convert(String value) {
            return parse(value);
        }
    }
}
