//! The accounts that adding and removing share.

use pinocchio::{AccountView, Address};

use crate::{
    accounts::{LpMint, MintAccount, OracleAccount, PoolAccount, SignerAccount, TokenProgram, UserTokenAccount, Vault, named},
    errors::{PoolError, Result},
};

pub struct Liquidity<'a> {
    pub user: SignerAccount<'a>,
    pub pool: PoolAccount<'a>,
    pub oracle: OracleAccount<'a>,
    pub vault_a: Vault<'a>,
    pub vault_b: Vault<'a>,
    pub lp_mint: LpMint<'a>,
    pub user_a: UserTokenAccount<'a>,
    pub user_b: UserTokenAccount<'a>,
    pub user_lp: UserTokenAccount<'a>,
    pub mint_a: MintAccount<'a>,
    pub mint_b: MintAccount<'a>,
    /// SPL Token, for the LP mint.
    pub lp_program: TokenProgram<'a>,
}

impl<'a> Liquidity<'a> {
    /// `refused` is the error when the admin has set the status bit `off`.
    #[inline(always)]
    pub fn load(program_id: &Address, views: &'a [AccountView], off: u8, refused: PoolError) -> Result<Self> {
        let [
            user,
            pool,
            oracle,
            vault_a,
            vault_b,
            lp_mint,
            user_a,
            user_b,
            user_lp,
            mint_a,
            mint_b,
            token_program_a,
            token_program_b,
            token_program,
        ] = named(views)?;
        let user = SignerAccount::load(user)?;
        let pool = PoolAccount::load(pool, program_id)?;
        let state = &*pool.state;
        let oracle = OracleAccount::load(oracle, &state.oracle)?;
        let vault_a = Vault::load(vault_a, &state.vault_a)?;
        let vault_b = Vault::load(vault_b, &state.vault_b)?;
        let lp_mint = LpMint::load(lp_mint, &state.lp_mint)?;
        let vaults = [&vault_a, &vault_b];
        let user_a = UserTokenAccount::load(user_a, vaults)?;
        let user_b = UserTokenAccount::load(user_b, vaults)?;
        let user_lp = UserTokenAccount::load(user_lp, vaults)?;
        let mint_a = MintAccount::load(mint_a, &state.mint_a, token_program_a)?;
        let mint_b = MintAccount::load(mint_b, &state.mint_b, token_program_b)?;
        let lp_program = TokenProgram::load_spl_token(token_program)?;
        if state.status & off != 0 {
            return Err(refused);
        }
        Ok(Self { user, pool, oracle, vault_a, vault_b, lp_mint, user_a, user_b, user_lp, mint_a, mint_b, lp_program })
    }
}
