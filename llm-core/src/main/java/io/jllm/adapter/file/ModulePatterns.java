package io.jllm.adapter.file;

import io.jllm.ModelLoadException;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions for names of modules, as peft gives them to Python's {@code re}. Those that are used there mean the same to the JDK. A
 * match may look at so many characters at most: there are expressions that try out more ways than there is time for.
 */
final class ModulePatterns {
    private static final int MOST_LOOKS = 1_000_000;

    private ModulePatterns() {
    }

    /**
     * An expression.
     *
     * @param where the key that holds it, for messages
     * @throws ModelLoadException if it is none
     */
    static Pattern of(String where, String expression) {
        try {
            return Pattern.compile(expression);
        } catch (PatternSyntaxException e) {
            throw new ModelLoadException(where + " holds the regular expression " + expression + ", which cannot be read: " + e.getDescription());
        } catch (StackOverflowError _) {
            throw new ModelLoadException(where + " holds a regular expression of " + expression.length() + " characters that is nested too deeply");
        }
    }

    /** Whether an expression fits the whole name. */
    static boolean fits(String where, Pattern pattern, String module) {
        try {
            return pattern.matcher(new Counted(module)).matches();
        } catch (LooksExceeded | StackOverflowError _) {
            throw new ModelLoadException(where + " holds the regular expression " + pattern + ", which takes more than " + MOST_LOOKS
                    + " looks at the name " + module + ": write it more simply");
        }
    }

    /** Thrown out of a match that takes too long. */
    private static final class LooksExceeded extends RuntimeException {
        private static final long serialVersionUID = 1;

        LooksExceeded() {
            super(null, null, false, false);
        }
    }

    /** A text that counts how often it is looked at. */
    private static final class Counted implements CharSequence {
        private final String text;
        private int looks;

        Counted(String text) {
            this.text = text;
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public char charAt(int index) {
            if (++looks > MOST_LOOKS) {
                throw new LooksExceeded();
            }
            return text.charAt(index);
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.substring(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
