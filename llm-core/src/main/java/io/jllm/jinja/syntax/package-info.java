/**
 * Templates as text become templates as trees. What a chat template has no use for, such as other files, is refused by its name and line; what
 * nests too deeply is refused before it fills the stack.
 *
 * <p>In reading order:
 * <ul>
 * <li>{@link Parser}: statements; {@link ExpressionParser}: operators; {@link OperandParser}: what stands between them
 * <li>{@link Stmt}, {@link Expr}: the trees that they give
 * <li>{@link Lexer}: tokens and white space; {@link NumberLiteral}, {@link StringLiteral}: what is written out
 * <li>{@link Token}, {@link Tokens}: what parsers go through
 * </ul>
 */
package io.jllm.jinja.syntax;
