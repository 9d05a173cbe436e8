//! Opens a pool: creates pool, oracle, vaults and LP mint at their derived addresses. Anyone may; the admin need not sign.

use pinocchio::{AccountView, Address, address::address_eq, cpi::Seed};

use crate::{
    accounts::{LpMint, MintAccount, NewAccount, OracleAccount, PoolAccount, SignerAccount, TokenProgram, Vault, named},
    errors::{PoolError, Result},
    events::PoolInitialized,
    math::fee::MAX_FEE_PPM,
    state::{LeI64, LeU16, LeU32, LeU64, Oracle, Pool},
    syscalls::Clock,
    system, token,
};

const MAX_PROTOCOL_SHARE_PPM: u32 = 500_000;
const MAX_VOLATILITY_BPS: u32 = 10_000;

/// The arguments as they arrive.
#[repr(C)]
struct Arguments {
    index: LeU16,
    base_fee_ppm: LeU32,
    protocol_share_ppm: LeU32,
    dynamic_fee_ppm: LeU32,
    max_volatility_bps: LeU32,
    filter_period_s: LeU32,
    decay_period_s: LeU32,
}

impl Arguments {
    fn read(bytes: &[u8]) -> Result<&Self> {
        if bytes.len() != size_of::<Self>() {
            return Err(PoolError::InvalidInstruction);
        }
        const { assert!(align_of::<Self>() == 1) };
        // SAFETY: the length was checked; `repr(C)` with fields of alignment 1 that are valid for any bytes.
        Ok(unsafe { &*bytes.as_ptr().cast::<Self>() })
    }

    fn check(&self) -> Result<()> {
        let (filter, decay) = (self.filter_period_s.get(), self.decay_period_s.get());
        let fixed_fee = self.dynamic_fee_ppm.get() == 0 && filter == 0 && decay == 0;
        let fits = self.base_fee_ppm.get() <= MAX_FEE_PPM
            && self.protocol_share_ppm.get() <= MAX_PROTOCOL_SHARE_PPM
            && self.dynamic_fee_ppm.get() <= MAX_FEE_PPM
            && self.max_volatility_bps.get() <= MAX_VOLATILITY_BPS
            && (decay > filter || fixed_fee);
        if fits { Ok(()) } else { Err(PoolError::InvalidFee) }
    }
}

#[inline(never)]
pub fn initialize_pool(program_id: &Address, views: &[AccountView], arguments: &[u8]) -> Result<()> {
    let arguments = Arguments::read(arguments)?;
    let [
        payer,
        admin,
        pool,
        oracle,
        mint_a,
        mint_b,
        vault_a,
        vault_b,
        lp_mint,
        token_program_a,
        token_program_b,
        token_program,
        system_program,
    ] = named(views)?;
    let payer = SignerAccount::load_payer(payer)?;
    if !address_eq(system_program.address(), &system::ID) {
        return Err(PoolError::InvalidAccountOwner);
    }
    let lp_program = TokenProgram::load_spl_token(token_program)?;
    let mint_a = MintAccount::load_new(mint_a, token_program_a)?;
    let mint_b = MintAccount::load_new(mint_b, token_program_b)?;
    if mint_a.view.address().as_array() >= mint_b.view.address().as_array() {
        return Err(PoolError::MintsOutOfOrder);
    }
    arguments.check()?;
    if address_eq(&pool.owner(), program_id) {
        return Err(PoolError::PoolAlreadyInitialized);
    }

    let opening = Opening { program_id, payer, pool: pool.address() };
    let bump = opening.create_pool(pool, &mint_a, &mint_b, &arguments.index)?;
    opening.create_oracle(oracle)?;
    opening.create_vault(vault_a, &mint_a)?;
    opening.create_vault(vault_b, &mint_b)?;
    opening.create_lp_mint(lp_mint, lp_program)?;

    // SAFETY: `create_pool` made the account `Pool::LENGTH` bytes long, and nothing else refers to its data.
    let state = unsafe { PoolAccount::over(pool) }.state;
    state.discriminator = LeU64::new(Pool::DISCRIMINATOR);
    state.version = Pool::VERSION;
    state.bump = bump;
    state.index = arguments.index;
    state.admin = *admin.address();
    state.mint_a = *mint_a.view.address();
    state.mint_b = *mint_b.view.address();
    state.vault_a = *vault_a.address();
    state.vault_b = *vault_b.address();
    state.lp_mint = *lp_mint.address();
    state.oracle = *oracle.address();
    state.base_fee_ppm = arguments.base_fee_ppm;
    state.protocol_share_ppm = arguments.protocol_share_ppm;
    state.dynamic_fee_ppm = arguments.dynamic_fee_ppm;
    state.max_volatility_bps = arguments.max_volatility_bps;
    state.filter_period_s = arguments.filter_period_s;
    state.decay_period_s = arguments.decay_period_s;
    state.cumulative_at = LeI64::new(Clock::get().unix_timestamp);
    PoolInitialized {
        discriminator: PoolInitialized::DISCRIMINATOR,
        pool: *pool.address(),
        admin: state.admin,
        mint_a: state.mint_a,
        mint_b: state.mint_b,
        index: state.index,
        base_fee_ppm: state.base_fee_ppm,
        protocol_share_ppm: state.protocol_share_ppm,
        dynamic_fee_ppm: state.dynamic_fee_ppm,
        max_volatility_bps: state.max_volatility_bps,
        filter_period_s: state.filter_period_s,
        decay_period_s: state.decay_period_s,
    }
    .emit();
    Ok(())
}

/// Creates the accounts of one pool.
struct Opening<'a> {
    program_id: &'a Address,
    payer: SignerAccount<'a>,
    pool: &'a Address,
}

impl Opening<'_> {
    /// Returns the bump of the pool's address.
    fn create_pool(&self, view: &AccountView, mint_a: &MintAccount, mint_b: &MintAccount, index: &LeU16) -> Result<u8> {
        let (mint_a, mint_b) = (mint_a.view.address().as_array(), mint_b.view.address().as_array());
        let seeds: [&[u8]; 4] = [Pool::SEED, mint_a, mint_b, index.as_bytes()];
        let pool = NewAccount::load(view, &seeds, self.program_id, PoolError::InvalidPool)?;
        let bump = [pool.bump];
        let seeds =
            [Seed::from(Pool::SEED), Seed::from(mint_a), Seed::from(mint_b), Seed::from(index.as_bytes()), Seed::from(&bump)];
        pool.create(&self.payer, &seeds, Pool::LENGTH, self.program_id)?;
        Ok(pool.bump)
    }

    fn create_oracle(&self, view: &AccountView) -> Result<()> {
        self.create(view, Oracle::SEED, PoolError::InvalidOracle, Oracle::LENGTH, self.program_id)?;
        // SAFETY: the account was just created with `Oracle::LENGTH` bytes, and nothing else refers to its data.
        let state = unsafe { OracleAccount::over(view) }.state;
        state.discriminator = LeU64::new(Oracle::DISCRIMINATOR);
        state.pool = *self.pool;
        Ok(())
    }

    fn create_lp_mint(&self, view: &AccountView, program: TokenProgram) -> Result<()> {
        self.create(view, LpMint::SEED, PoolError::InvalidLpMint, token::MINT_LENGTH, program.address)?;
        token::initialize_mint(program, view, LpMint::DECIMALS, self.pool);
        Ok(())
    }

    fn create_vault(&self, view: &AccountView, mint: &MintAccount) -> Result<()> {
        let (pool, mint_address) = (self.pool.as_array(), mint.view.address().as_array());
        let vault = NewAccount::load(view, &[Vault::SEED, pool, mint_address], self.program_id, PoolError::InvalidVault)?;
        let bump = [vault.bump];
        let seeds = [Seed::from(Vault::SEED), Seed::from(pool), Seed::from(mint_address), Seed::from(&bump)];
        vault.create(&self.payer, &seeds, token::account_length(mint)?, mint.program.address)?;
        token::initialize_account(mint, view, self.pool);
        Ok(())
    }

    /// An account at `[seed, pool]`.
    #[inline(always)]
    fn create(&self, view: &AccountView, seed: &'static [u8], otherwise: PoolError, length: usize, owner: &Address) -> Result<()> {
        let pool = self.pool.as_array();
        let account = NewAccount::load(view, &[seed, pool], self.program_id, otherwise)?;
        let bump = [account.bump];
        let seeds = [Seed::from(seed), Seed::from(pool), Seed::from(&bump)];
        account.create(&self.payer, &seeds, length, owner)
    }
}
